from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from benchmarks import large_graph
from ncnc_core.graph.adjacency import Adjacency


def test_generated_graph_has_ten_edges_a_node_a_heavy_tail_and_shared_neighbors() -> None:
    edges = large_graph.generated_edges(20_000, large_graph.DRAWS_A_NODE, np.random.default_rng(0))
    adjacency = Adjacency.from_edges(edges, 20_000)
    assert 9.5 < adjacency.num_edges / 20_000 < 10.5
    assert int(adjacency.degree.max()) > 20 * float(adjacency.degree.float().mean())
    near = (adjacency.edges().diff(dim=0).abs() < 200).float().mean()
    assert float(near) > 0.7


def test_one_measurement_reports_seconds_and_memory(capsys: pytest.CaptureFixture[str]) -> None:
    threads = torch.get_num_threads()
    try:
        assert large_graph.main(["--one", "--nodes", "3000", "--pairs", "2000"]) == 0
    finally:
        torch.set_num_threads(threads)
    found = json.loads(capsys.readouterr().out)
    assert found["seconds"].keys() >= {"train", "score"}
    assert found["peak_gib"] > 0
    assert 0.5 < found["valid_auc"] <= 1
