from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer.testing

from ncnc_core.link_model import LinkModel
from ncnc_core.serving.shortlist import CANDIDATES_PER_NODE
from pipeline.cli import app
from pipeline.commands import models
from pipeline.recommend.plan import NODES_PER_SHARD
from tests.fixtures.house import House
from tests.fixtures.registered_model import register

LETTERS = ["anna", "bert", "carl", "dora", "emil"]


def test_recommended_links_are_those_of_the_model(house: House, make_model: Callable[..., Path]) -> None:
    folder = make_model(LETTERS)
    code, line = house.call("recommend", str(folder), "--node", "anna", "--node", "carl", "-k", "2", "--json")
    expected = LinkModel.load(folder).recommend(["anna", "carl"], 2)
    assert code == 0
    found = line["recommendations"]
    assert isinstance(found, list)
    assert [(row["source"], row["target"], row["rank"]) for row in found] == [
        (row.source, row.target, row.rank) for row in expected
    ]
    assert not any(row["known"] for row in found)
    whys = {"bert": "no common neighbour; 2 neighbours", "carl": "1 common neighbour; 2 neighbours",
            "dora": "no common neighbour; 2 neighbours", "emil": "no common neighbour; 1 neighbour"}  # fmt: skip
    assert all(row["why"] == whys[row["target"]] for row in found if row["source"] == "anna")
    line = house.call("recommend", str(folder), "--node", "anna", "--known", "--json")[1]
    assert len(line["recommendations"]) == 4  # type: ignore[arg-type]


def test_a_person_sees_what_the_graph_says_of_each_link(house: House, make_model: Callable[..., Path]) -> None:
    argv = ["recommend", str(make_model(LETTERS)), "--node", "anna", "--known"]
    result = typer.testing.CliRunner().invoke(app, argv)
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.stderr.splitlines() if "│" in line]
    whys = {row[1]: row[4] for row in rows}
    assert whys["carl"] == "1 common neighbour; 2 neighbours"
    assert whys["bert"] == "an edge of the graph; no common neighbour; 2 neighbours"
    assert '"candidates": 4' in result.stdout
    whole = typer.testing.CliRunner().invoke(app, ["recommend", str(make_model(LETTERS[:2])), "--node", "anna"])
    assert "no candidates: the graph has all of these links already" in whole.stderr


def test_many_nodes_are_written_as_parquet_with_a_manifest(house: House, make_model: Callable[..., Path]) -> None:
    folder, nodes, output = make_model(LETTERS), house.folder / "nodes.csv", house.folder / "out"
    nodes.write_text("node\nemil\nanna\nbert\n")
    argv = ("recommend", str(folder), "--nodes", str(nodes), "--k", "2", "--output", str(output))
    code, line = house.call(*argv, "--nodes-per-shard", "2", "--workers", "2")
    assert (code, line["nodes"], line["shards"], line["made"]) == (0, 3, 2, 2)
    tables = [pq.read_table(output / f"part-{shard:05d}.parquet") for shard in (0, 1)]
    assert [table["source"].to_pylist() for table in tables] == [["anna", "anna", "bert", "bert"], ["emil", "emil"]]
    assert tables[0].column_names == ["source", "target", "score", "rank"]
    again = house.call(*argv, "--nodes-per-shard", "2")[1]
    assert (again["made"], again["manifest_sha256"]) == (0, line["manifest_sha256"])


def test_a_batch_of_several_machines_keeps_the_version_it_was_planned_with(
    house: House, make_model: Callable[..., Path]
) -> None:
    registry, run = house.doors.registry, f"{house.graph}-20260102T000000Z"
    here, there = house.folder / "here" / run, house.folder / "there" / run
    register(registry, house.graph, make_model(LETTERS))
    code, line = house.call("recommend-plan", "--run-dir", str(here), "-k", "2", "--nodes-per-shard", "2")
    assert (code, line["model"], line["shards"]) == (0, f"{house.graph}@1", [0, 1, 2])
    register(registry, house.graph, make_model(LETTERS, seed=1), run_key="4" * 64)
    again = house.call("recommend-plan", "--run-dir", str(there), "-k", "2", "--nodes-per-shard", "2")[1]
    assert again == line  # a second try, on another machine, after the champion changed
    for shard, folder in enumerate((here, there, there)):
        made = house.call("recommend-shard", "--run-dir", str(folder), "--shard", str(shard))[1]
        assert (made["model"], made["made"]) == (f"{house.graph}@1", True)
    assert house.call("recommend-shard", "--run-dir", str(here), "--shard", "1")[1]["made"] is False
    published = house.call("recommend-publish", "--run-dir", str(here))[1]
    alone = house.call(
        "recommend", f"{house.graph}@1", "-k", "2", "--nodes-per-shard", "2", "--output", str(house.folder / "alone")
    )[1]
    assert alone["manifest_sha256"] == published["manifest_sha256"]
    by_option = house.call("recommend", "--model", "champion", "--params", str(house.params_file), "--k", "2")[1]
    assert by_option["model"] == f"{house.graph}@2"
    assert by_option["folder"] == f"{house.values['NCNC_HOME']}/recommendations/{house.graph}-2"


@pytest.mark.slow
def test_killed_in_the_middle_and_run_again_it_leaves_the_same_bytes(
    house: House, make_model: Callable[..., Path], tmp_path: Path
) -> None:
    words = ["recommend", str(make_model(list(range(3000)))), "--nodes-per-shard", "30", "--workers", "1", "--output"]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    argv, quiet = [sys.executable, "-m", "pipeline.cli", *words, str(killed)], subprocess.DEVNULL
    process = subprocess.Popen(argv, env=os.environ | house.values, stdout=quiet, stderr=quiet)
    deadline = time.monotonic() + 120
    while len(list(killed.glob("part-*.sha256"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed / "SHA256SUMS").exists(), "it was over before it was killed"
    before = {path.name: path.stat().st_mtime_ns for path in killed.glob("part-*.parquet")}
    assert [house.call(*words, str(folder))[0] for folder in (killed, whole)] == [0, 0]
    finished = {path.name: path.read_bytes() for path in whole.iterdir()}
    assert {path.name: path.read_bytes() for path in killed.iterdir()} == finished
    kept = [name for name, written in before.items() if (killed / name).stat().st_mtime_ns == written]
    assert len(kept) >= len(before) - 1 >= 2  # of one the kill may have come before its digest


def test_the_defaults_are_those_of_the_parts_that_do_the_work() -> None:
    assert models.CANDIDATES == CANDIDATES_PER_NODE
    assert models.SHARD_NODES == NODES_PER_SHARD


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("recommend", "{folder}", "--node", "99"), r"unknown to the model \(first: 99\)"),
        (("recommend", "{folder}", "--node", "anna"), r"whole numbers, not 'anna'; for example 10\. Correct the id"),
        (("recommend",), r"takes exactly one model, not none\. Name it as NAME@alias"),
        (("recommend", "{folder}", "--model", "champion"), r"exactly one model, not .* and champion\. Name it"),
        (
            ("recommend", "{folder}", "--node", "10", "--output", "x"),
            r"--node 10 shows links on the terminal.*put the ids into a file",
        ),
        (
            ("recommend", "{folder}", "--output", "{empty}", "--probability", "--prior", "1"),
            r"--prior is 1\.0, but must lie between 0 and 1",
        ),
        (("recommend", "{folder}", "--output", "{empty}", "--probability"), r"need a calibrated model"),
        (("recommend-shard", "--run-dir", "{empty}/small-1", "--shard", "0"), r"Run `ncnc recommend-plan` first"),
        (("recommend-plan", "--run-dir", "{empty}/small-1"), r"has no alias 'champion'; it has: none"),
    ],
)
def test_wrong_input_ends_2_with_the_remedy(
    house: House, make_model: Callable[..., Path], tmp_path: Path, argv: tuple[str, ...], message: str
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    words = [word.format(folder=make_model(), empty=empty) for word in argv]
    result = house.runner.invoke(app, words, standalone_mode=False, env=house.values)
    assert getattr(result.exception, "exit_code", None) == 2
    with pytest.raises(type(result.exception), match=message):  # type: ignore[arg-type]
        raise result.exception  # type: ignore[misc]


def test_explanation_is_whole_in_json_and_short_for_a_person(house: House, make_model: Callable[..., Path]) -> None:
    folder = make_model([10, 20, 30, 40])
    code, line = house.call("explain", str(folder), "--source", "10", "--target", "30", "--json")
    expected = LinkModel.load(folder).explain(10, 30)
    assert code == 0
    assert (line["source"], line["target"], line["score"]) == (10, 30, expected.score)
    assert [part["node"] for part in line["neighbors"]] == [part.node for part in expected.neighbors]  # type: ignore[attr-defined]
    result = typer.testing.CliRunner().invoke(app, ["explain", str(folder), "--source", "10", "--target", "30"])
    assert result.stderr.strip() == str(expected).strip()
    assert '"neighbors": ' in result.stdout


def test_a_pair_is_drawn_on_a_page(house: House, make_model: Callable[..., Path], tmp_path: Path) -> None:
    page = tmp_path / "pair.html"
    argv = ["explain", str(make_model([10, 20, 30, 40])), "--source", "10", "--target", "30", "--html", str(page)]
    code, line = house.call(*argv)
    assert (code, line["page"]) == (0, str(page))
    assert f"10 and 30: logit {line['score']:.3f}" in page.read_text()


def test_a_registered_model_is_asked_by_its_alias_or_version(house: House, make_model: Callable[..., Path]) -> None:
    folder, registry = make_model(), house.doors.registry
    register(registry, "small", folder)
    expected = LinkModel.load(folder).explain(10, 30).score
    for name in ("small@champion", "small@1"):
        code, line = house.call("explain", name, "--source", "10", "--target", "30")
        assert (code, line["score"]) == (0, expected)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("explain", "{folder}", "--source", "99", "--target", "10"), r"unknown to the model \(first: 99\)"),
        (("explain", "{folder}", "--source", "10", "--target", "10"), r"join a node with itself.*Leave them out"),
        (
            ("explain", "nowhere", "--source", "10", "--target", "20"),
            r"not 'nowhere'\. For example nowhere@champion",
        ),
        (("explain", "{empty}", "--source", "10", "--target", "20"), r"lacks model\.json\. Give the folder"),
        (("explain", "small@champion", "--source", "10", "--target", "20"), r"has no alias 'champion'; it has: none"),
    ],
)
def test_a_wrong_question_about_a_pair_ends_2_with_the_remedy(
    house: House, make_model: Callable[..., Path], tmp_path: Path, argv: tuple[str, ...], message: str
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    words = [word.format(folder=make_model(), empty=empty) for word in argv]
    result = house.runner.invoke(app, words, standalone_mode=False, env=house.values)
    assert getattr(result.exception, "exit_code", None) == 2
    with pytest.raises(type(result.exception), match=message):  # type: ignore[arg-type]
        raise result.exception  # type: ignore[misc]
