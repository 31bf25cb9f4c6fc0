from __future__ import annotations

import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.edge_dropout import drop_edges
from ncnc_core.graph.node_lists import NodeLists
from ncnc_core.overlap.sampled import ListTable, SampledOverlap

DEGREE = torch.tensor([6, 2, 5, 9])


def table(weight: list[float]) -> ListTable:
    """Keys of 4 nodes: (0, 1) has 2 and 3, (0, 2) nothing, (1, 3) has 0."""
    return ListTable(torch.tensor([1, 2, 7]), torch.tensor([0, 2, 2, 3]), torch.tensor([2, 3, 0]), torch.tensor(weight))


def test_lists_come_in_the_order_they_are_asked_for() -> None:
    lists = table([2.0, 1.0, 3.0]).lists_of(torch.tensor([7, 1, 2, 7]))
    assert lists.row_pointer.tolist() == [0, 1, 3, 3, 4]
    assert lists.node.tolist() == [0, 2, 3, 0]
    assert lists.weight is not None
    assert lists.weight.tolist() == [3, 2, 2, 3]


def test_lists_that_were_not_thinned_have_no_weights() -> None:
    assert table([1.0, 1.0, 1.0]).lists_of(torch.tensor([7, 1])).weight is None


@pytest.mark.parametrize("key", [0, 3, 15])
def test_overlap_that_was_not_sampled_is_refused(key: int) -> None:
    with pytest.raises(InvalidGraph, match=r"1 of 2 overlaps were not sampled with this batch. Draw the batch for"):
        table([1.0, 1.0, 1.0]).lists_of(torch.tensor([1, key]))
    nothing = ListTable(*(torch.zeros(size, dtype=torch.int64) for size in (0, 1, 0)), torch.zeros(0))
    with pytest.raises(InvalidGraph, match="1 of 1 overlaps were not sampled"):
        nothing.lists_of(torch.tensor([key]))
    assert nothing.lists_of(torch.zeros(0, dtype=torch.int64)).row_pointer.tolist() == [0]


def test_predictors_find_the_sampled_lists_behind_an_adjacency() -> None:
    overlap = SampledOverlap(DEGREE, table([2.0, 1.0, 1.0]), table([1.0, 1.0, 5.0])).to("cpu")
    pairs = torch.tensor([[1, 3], [0, 1]])  # unordered: (0, 1) and (1, 3)
    common = overlap.common_neighbors(pairs)
    assert common.node.tolist() == [2, 3, 0]
    assert common.count.tolist() == [4, 1]
    lists = overlap.exclusive_neighbors(torch.tensor([1]), torch.tensor([3]), common, skip_other=True, limit=1)
    assert lists.node.tolist() == [0]
    assert lists.count.tolist() == [5]
    assert torch.equal(overlap.degree, DEGREE)
    assert drop_edges(overlap, 0.5, training=True) == (overlap, 2.0)  # its edges were dropped when it was drawn
    assert drop_edges(overlap, 0.5, training=True, symmetric=True) == (overlap, 2.0)


def test_kind_of_list_that_was_not_sampled_is_refused() -> None:
    overlap = SampledOverlap(DEGREE, table([1.0, 1.0, 1.0]), None)
    none = NodeLists(torch.tensor([0, 0]), torch.zeros(0, dtype=torch.int64))
    with pytest.raises(InvalidGraph, match=r"sampled without one-sided neighbours.*Draw the batch for the predictor"):
        overlap.exclusive_neighbors(torch.tensor([1]), torch.tensor([3]), none, skip_other=True)
