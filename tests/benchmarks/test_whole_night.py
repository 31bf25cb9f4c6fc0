from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks.whole_night import AS_OF, STEPS, generated_table, main, next_table


def test_a_generated_graph_has_a_hub_and_about_as_many_edges_as_are_asked_for() -> None:
    table = generated_table(20_000, dated=True)
    pairs = table.to_pandas()
    assert len(pairs) == pytest.approx(20_000, rel=0.05)
    assert not pairs[["source", "target"]].duplicated().any()
    assert int((pairs["source"] == 0).sum()) >= 600  # three of ten nodes
    assert pairs["time"].is_monotonic_increasing
    assert "time" not in generated_table(2_000, dated=False).column_names


def test_from_one_night_to_the_next_some_edges_go_and_as_many_come() -> None:
    first = generated_table(20_000, dated=True)
    after = AS_OF + timedelta(days=1)
    second = next_table(first, after)
    pairs = [set(zip(one["source"].to_pylist(), one["target"].to_pylist(), strict=True)) for one in (first, second)]
    assert 0.005 < len(pairs[0] - pairs[1]) / len(pairs[0]) < 0.015
    assert 0.005 < len(pairs[1] - pairs[0]) / len(pairs[0]) < 0.015
    assert len(pairs[1]) == second.num_rows
    come = second["time"].to_numpy()[len(pairs[0] & pairs[1]) :]
    assert AS_OF.timestamp() < come.min() <= come.max() <= after.timestamp()


@pytest.mark.slow
def test_a_night_ends_where_it_is_told_to_and_the_next_one_follows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = tmp_path / "figures.jsonl"
    asked = ["--edges", "3000", "--until", "snapshot", "--nights", "2", "--json", str(figures)]
    assert main([*asked, "--work", str(tmp_path)]) == 0
    costs = [json.loads(line) for line in figures.read_text().splitlines()]
    assert [(cost["night"], cost["step"], cost["exit_code"]) for cost in costs] == [
        (1, "snapshot", 0),
        (2, "snapshot", 0),
    ]
    assert "edges without times, night 2" in capsys.readouterr().out


@pytest.mark.slow
def test_every_step_of_a_night_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = tmp_path / "figures.jsonl"
    assert main(["--edges", "3000", "--dated", "--json", str(figures), "--work", str(tmp_path)]) == 0
    costs = [json.loads(line) for line in figures.read_text().splitlines()]
    assert [cost["step"] for cost in costs] == list(STEPS)
    assert all(cost["cpu_seconds"] > 0 and cost["gib"] > 0 for cost in costs)
    assert "edges with times" in capsys.readouterr().out
