from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.whole_night import STEPS, generated_table, main


def test_a_generated_graph_has_a_hub_and_about_as_many_edges_as_are_asked_for() -> None:
    table = generated_table(20_000, dated=True)
    pairs = table.to_pandas()
    assert len(pairs) == pytest.approx(20_000, rel=0.05)
    assert not pairs[["source", "target"]].duplicated().any()
    assert int((pairs["source"] == 0).sum()) >= 600  # three of ten nodes
    assert pairs["time"].is_monotonic_increasing
    assert "time" not in generated_table(2_000, dated=False).column_names


@pytest.mark.slow
def test_every_step_of_a_night_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = tmp_path / "figures.jsonl"
    assert main(["--edges", "3000", "--dated", "--json", str(figures), "--work", str(tmp_path)]) == 0
    costs = [json.loads(line) for line in figures.read_text().splitlines()]
    assert [cost["step"] for cost in costs] == list(STEPS)
    assert all(cost["cpu_seconds"] > 0 and cost["gib"] > 0 for cost in costs)
    assert "edges with times" in capsys.readouterr().out
