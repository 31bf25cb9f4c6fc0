from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

from benchmarks import parts_of_a_night
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.random_spatial_network import RandomSpatialNetworkConfig, evolve


def test_the_least_of_the_rounds_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([0.0, 3.0, 10.0, 11.0, 20.0, 25.0])
    monkeypatch.setattr(parts_of_a_night.time, "perf_counter", lambda: next(moments))
    rounds: list[int] = []
    assert parts_of_a_night.least_seconds(lambda: rounds.append(1)) == 1.0
    assert len(rounds) == parts_of_a_night.ROUNDS


def test_a_small_graph_is_trained_on_and_scored_with_both_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_of_a_night, "ROUNDS", 1)
    day = next(evolve(RandomSpatialNetworkConfig(num_nodes=200)))
    adjacency = Adjacency.from_edges(torch.from_numpy(day.edges), len(day.node_ids))
    figures = parts_of_a_night.model_figures(day, adjacency, adjacency.edges()[:, :50])
    assert [name.partition(":")[0] for name in figures] == ["ncn", "ncn", "ncnc", "ncnc"]
    assert min(figures.values()) > 0


def test_figures_are_printed_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(parts_of_a_night, "measure", lambda: {"a part": 1.25})
    monkeypatch.setattr(sys, "argv", ["parts_of_a_night", "--json", str(tmp_path / "found.json")])
    parts_of_a_night.main()
    assert json.loads((tmp_path / "found.json").read_text()) == {"a part": 1.25}
    assert "1.250" in capsys.readouterr().out
