from __future__ import annotations

import pytest
import torch

from ncnc_core.adjacency import Adjacency, contains_keys, pair_keys
from ncnc_core.evaluation_negatives import evaluation_negatives
from ncnc_core.hard_negatives import hard_negatives
from ncnc_core.heuristics import resource_allocation
from ncnc_core.negative_kinds import EvaluationNegative

NODES = 300


def case() -> tuple[torch.Tensor, torch.Tensor, Adjacency]:
    g = torch.Generator().manual_seed(0)
    edges = Adjacency.from_edges((torch.rand(2, 2000, generator=g).pow(3) * NODES).long(), NODES).edges()
    held_out = torch.arange(edges.shape[1]) % 8 == 0
    return edges[:, held_out], pair_keys(edges, NODES).unique(), Adjacency.from_edges(edges[:, ~held_out], NODES)


@pytest.mark.parametrize(
    "kinds", [("uniform",), ("hard",), ("uniform", "degree_matched"), ("hard", "uniform", "degree_matched")]
)
def test_kinds_stand_side_by_side_in_equal_shares_and_none_is_an_edge(kinds: tuple[EvaluationNegative, ...]) -> None:
    positives, forbidden, graph = case()
    found = evaluation_negatives(
        positives, 12, forbidden, torch.Generator().manual_seed(0), kinds=kinds, adjacency=graph
    )
    assert found.shape == (2, 12 * positives.shape[1])
    assert not contains_keys(forbidden, pair_keys(found, NODES)).any()
    near = resource_allocation(graph, found).reshape(-1, len(kinds), 12 // len(kinds)).mean((0, 2))
    if len(kinds) > 1 and "hard" in kinds:
        assert near.argmax() == kinds.index("hard")


def test_hard_share_is_that_of_hard_negatives_alone() -> None:
    positives, forbidden, graph = case()
    g = torch.Generator().manual_seed(0)
    found = evaluation_negatives(
        positives, 8, forbidden, g, kinds=("hard", "uniform"), adjacency=graph, seed=3
    ).reshape(2, -1, 8)
    alone = hard_negatives(positives, 4, forbidden, torch.Generator().manual_seed(0), adjacency=graph, seed=3)
    assert torch.equal(found[:, :, :4].reshape(2, -1), alone)


def test_kinds_drawn_before_are_those_of_one_generator_in_order() -> None:
    positives, forbidden, graph = case()
    both, first = (
        evaluation_negatives(
            positives, count, forbidden, torch.Generator().manual_seed(1), kinds=kinds, adjacency=graph
        ).reshape(2, -1, count)
        for count, kinds in ((8, ("uniform", "degree_matched")), (4, ("uniform",)))
    )
    assert torch.equal(both[:, :, :4], first)
