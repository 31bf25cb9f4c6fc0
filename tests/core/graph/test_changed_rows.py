from __future__ import annotations

import pytest
import torch

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.changed_rows import rows_with, rows_without


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("weighted", [False, True])
def test_entries_that_are_taken_out_and_put_in_again_change_nothing(seed: int, weighted: bool) -> None:
    generator = torch.Generator().manual_seed(seed)
    graph = Adjacency.from_edges(torch.randint(9, (2, 3 * seed), generator=generator), 11)
    weight = torch.rand(graph.num_entries, generator=generator) if weighted else None
    is_gone = torch.rand(graph.num_entries, generator=generator) < 0.4
    pointer, column, left = rows_without(graph.row_pointer, graph.column, weight, is_gone.nonzero().flatten())
    assert torch.equal(column, graph.column[~is_gone])
    assert torch.equal(pointer.diff(), torch.bincount(graph.row[~is_gone], minlength=11))
    gone = torch.stack([graph.row, graph.column])[:, is_gone]
    again = rows_with(pointer, column, left, gone, None if weight is None else weight[is_gone])
    assert torch.equal(again[0], graph.row_pointer)
    assert torch.equal(again[1], graph.column)
    assert (again[2] is None) == (weight is None)
    assert weight is None or torch.equal(again[2], weight)
