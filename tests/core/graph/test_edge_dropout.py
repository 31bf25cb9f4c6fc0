from __future__ import annotations

import torch

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.edge_dropout import drop_edges

RING = Adjacency.from_edges(torch.stack([torch.arange(2000), (torch.arange(2000) + 1) % 2000]), 2000)


def test_nothing_is_dropped_when_scoring_or_at_zero() -> None:
    assert drop_edges(RING, 0.5, training=False) == (RING, 1.0)
    assert drop_edges(RING, 0.0, training=True) == (RING, 1.0)


def test_each_direction_is_drawn_on_its_own_and_survivors_weigh_more() -> None:
    torch.manual_seed(0)
    kept, weight = drop_edges(RING, 0.25, training=True)
    assert weight == 1 / 0.75
    assert abs(kept.column.numel() / RING.column.numel() - 0.75) < 0.03
    assert not kept.symmetric
    assert not bool(kept.has(torch.stack([kept.column, kept.row])).all())


def test_edge_drawn_as_a_whole_goes_in_both_directions_and_as_often() -> None:
    torch.manual_seed(0)
    kept, weight = drop_edges(RING, 0.25, training=True, symmetric=True)
    assert weight == 1 / 0.75
    assert abs(kept.column.numel() / RING.column.numel() - 0.75) < 0.03
    assert kept.symmetric
    assert bool(kept.has(torch.stack([kept.column, kept.row])).all())


def test_whole_edges_are_drawn_anew_each_time_and_the_same_from_the_same_seed() -> None:
    draws = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        draws.append([drop_edges(RING, 0.5, training=True, symmetric=True)[0].keys for _ in range(2)])
    assert torch.equal(draws[0][0], draws[1][0])
    assert torch.equal(draws[0][1], draws[1][1])
    assert not torch.equal(draws[0][0], draws[0][1])
    assert not torch.equal(draws[0][0], draws[2][0])


def test_whole_edges_survive_independently_of_their_neighbours() -> None:
    """On a ring neighbouring edges share a node: both survive with probability 1/4, not more often."""
    torch.manual_seed(0)
    both = []
    for _ in range(20):
        degree = drop_edges(RING, 0.5, training=True, symmetric=True)[0].degree
        both.append(float((degree == 2).float().mean()))
    assert abs(sum(both) / len(both) - 0.25) < 0.01
