from __future__ import annotations

import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency


def test_one_edge_with_two_weights_is_refused_and_with_one_weight_twice_is_not() -> None:
    twice = torch.tensor([[0, 1], [1, 0]])
    assert Adjacency.from_edges(twice, 2, torch.tensor([0.5, 0.5])).weight.tolist() == [0.5, 0.5]  # type: ignore[union-attr]
    with pytest.raises(
        InvalidGraph, match=r"edge 0-1 comes twice, with the weights 0\.5 and 2\.0\. Give each edge one"
    ):
        Adjacency.from_edges(twice, 2, torch.tensor([0.5, 2.0]))


def test_weight_that_is_no_number_is_named_with_its_edge() -> None:
    with pytest.raises(InvalidGraph, match=r"edge 0-2 has the weight inf\. Give finite weights"):
        Adjacency.from_edges(torch.tensor([[0, 0], [1, 2]]), 3, torch.tensor([1.0, float("inf")]))
