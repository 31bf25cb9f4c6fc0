from __future__ import annotations

import torch

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.two_hop import two_hop_rows


def test_only_the_asked_rows_are_filled_and_hold_the_start_itself() -> None:
    path = Adjacency.from_edges(torch.tensor([[0, 1, 2], [1, 2, 3]]), 5)
    far = two_hop_rows(path, torch.tensor([0, 4]))
    assert far.column[far.row_pointer[0] : far.row_pointer[1]].tolist() == [0, 2]
    assert far.degree.tolist() == [2, 0, 0, 0, 0]
    assert not far.symmetric
