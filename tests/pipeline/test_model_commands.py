from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer.testing
from pandas import DataFrame

from ncnc_core.link_model import LinkModel
from pipeline.cli import app
from pipeline.model_registry import ModelRegistry, version_tags
from pipeline.records import digests_of_folder
from tests.house import House


def test_recommended_links_are_those_of_the_model(house: House, make_model: Callable[..., Path]) -> None:
    folder = make_model(["anna", "bert", "carl", "dora", "emil"])
    code, line = house.call("recommend", str(folder), "--node", "anna", "--node", "carl", "-k", "2", "--json")
    expected = LinkModel.load(folder).recommend(["anna", "carl"], 2)
    assert code == 0
    found = line["recommendations"]
    assert isinstance(found, list)
    assert [(row["source"], row["target"], row["rank"]) for row in found] == [
        (row.source, row.target, row.rank) for row in expected
    ]
    assert not any(row["known"] for row in found)
    line = house.call("recommend", str(folder), "--node", "anna", "--known", "--json")[1]
    assert len(line["recommendations"]) == 4  # type: ignore[arg-type]


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


def test_a_registered_model_is_asked_by_its_alias_or_version(house: House, make_model: Callable[..., Path]) -> None:
    folder, registry = make_model(), house.doors.registry
    register(registry, folder)
    expected = LinkModel.load(folder).explain(10, 30).score
    for name in ("small@champion", "small@1"):
        code, line = house.call("explain", name, "--source", "10", "--target", "30")
        assert (code, line["score"]) == (0, expected)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("recommend", "{folder}", "--node", "99"), r"unknown to the model \(first: 99\)"),
        (("recommend", "{folder}", "--node", "anna"), r"whole numbers, not 'anna'; for example 10\. Correct the id"),
        (("explain", "{folder}", "--source", "10", "--target", "10"), r"join a node with itself.*Leave them out"),
        (
            ("explain", "nowhere", "--source", "10", "--target", "20"),
            r"'nowhere' is none\. For example nowhere@champion",
        ),
        (("explain", "{empty}", "--source", "10", "--target", "20"), r"lacks model\.json\. Give the folder"),
        (("explain", "small@champion", "--source", "10", "--target", "20"), r"has no alias 'champion'; it has: none"),
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


def register(registry: ModelRegistry, folder: Path) -> None:
    run_name, as_of = "small-20260102T000000Z", datetime(2026, 1, 2, tzinfo=UTC)
    run_id = registry.open_run("small", run_name, run_key="3" * 64, params={})
    example = DataFrame({"source": [10, 20], "target": [40, 30]})
    model_id = registry.log_model(run_id, folder, input_example=example)
    files = digests_of_folder(folder)
    tags = version_tags(run_key="3" * 64, run_name=run_name, as_of=as_of, snapshot_tag="snap/x", files=files)
    version = registry.create_version("small", run_id, model_id, tags)
    registry._client.set_registered_model_alias("small", "champion", str(version))
