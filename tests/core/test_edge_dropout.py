from __future__ import annotations

import torch

from ncnc_core.adjacency import Adjacency
from ncnc_core.edge_dropout import drop_edges

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
