from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import recommendation
from ncnc_core.config.model import ModelConfig
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.link_model import LinkModel
from ncnc_core.networks.link_network import LinkNetwork


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    generator = torch.Generator().manual_seed(0)
    edges = (torch.rand(2, 700, generator=generator).pow(2) * 300).long()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = ModelConfig(hidden_channels=8, predictor="ncn")
        network = LinkNetwork(config, num_features=0)
    path = tmp_path_factory.mktemp("model")
    LinkModel(config, network, Adjacency.from_edges(edges, 300), None, list(range(300))).save(path)
    return path


def test_nodes_are_drawn_from_every_stratum_alike_and_small_ones_whole() -> None:
    degree = np.array([0] * 5 + [1] * 50 + [2] * 50 + [70] * 3)
    drawn = degree[recommendation.stratified(degree, 23, seed=0)]
    assert [int((drawn == one).sum()) for one in (0, 1, 2, 70)] == [0, 10, 10, 3]


def test_a_shortlist_of_everybody_misses_nothing_and_a_short_one_does(folder: Path) -> None:
    model = LinkModel.load(folder)
    nodes = recommendation.stratified(model.adjacency.degree.numpy(), 40, seed=0)
    whole = recommendation.measure_recall(model, nodes, 300, workers=1)
    assert (whole["sampled"], whole["graph"], set(whole["by_degree"].values())) == (1.0, 1.0, {1.0})
    assert recommendation.measure_recall(model, nodes, 1, workers=1)["graph"] < 1


@pytest.mark.slow
def test_cost_and_recall_are_printed_and_written(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "recommendation.json"
    argv = ["--model", str(folder), "--nodes", "20", "--candidates", "30", "--workers", "1", "--json", str(path)]
    assert recommendation.main(argv) == 0
    figures = json.loads(path.read_text())["30"]
    assert (figures["cost"]["nodes"], figures["recall"]["nodes"]) == (300, 20)
    assert figures["cost"]["peak_gib"] > 0
    assert "recall" in capsys.readouterr().out
