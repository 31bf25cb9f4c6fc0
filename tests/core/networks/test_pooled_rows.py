from __future__ import annotations

import torch
from torch import Tensor

from ncnc_core.graph.node_lists import NodeLists
from ncnc_core.networks.pair_head import PairHead
from ncnc_core.networks.pooled_rows import NodeRows, PooledRows, distinct_nodes, occupied_logits, pooled_logits

H = torch.rand(6, 4, generator=torch.Generator().manual_seed(0))
LISTS = NodeLists(torch.tensor([0, 2, 2, 3]), torch.tensor([1, 4, 4]), torch.tensor([1.0, 0.5, 2.0]))
PAIRS = torch.tensor([[0, 1, 2], [3, 4, 5]])


def head() -> PairHead:
    torch.manual_seed(0)
    return PairHead(
        channels=4,
        dropout=0.0,
        layer_norm=True,
        neighbor_transform=True,
        neighbor_output_linear=False,
        two_layer_head=False,
        beta=0.5,
    )


def test_only_the_nodes_in_the_lists_are_transformed_and_the_sums_are_those_of_all() -> None:
    blocks = head()
    few = PooledRows.of(blocks, [H], [LISTS])
    every = PooledRows.of(blocks, [H, blocks.node_values(H)], [LISTS])
    assert few.values.shape == (2, 4)
    torch.testing.assert_close(few.sum(LISTS), every.sum(LISTS))


def test_rows_without_gradients_are_the_pooled_ones_and_any_other_on_demand() -> None:
    blocks = head()
    rows = PooledRows.of(blocks, [H], [LISTS]).rows(blocks, H)
    asked = torch.tensor([0, 1, 4])
    table = rows.at(asked)
    assert not table.requires_grad
    torch.testing.assert_close(table[asked], blocks.node_values(H)[asked].detach())


def test_pairs_that_pool_nothing_share_one_value_and_keep_their_logits() -> None:
    blocks = head()
    with_gradient = pooled_logits(blocks, [H], PAIRS, LISTS)
    blocks.eval()
    with torch.no_grad():
        g = blocks.node_values(H)
        torch.testing.assert_close(pooled_logits(blocks, [H, g], PAIRS, LISTS), with_gradient)
        torch.testing.assert_close(occupied_logits(blocks, H, PAIRS, LISTS, g), with_gradient)


SOURCE = torch.arange(12.0).reshape(6, 2)


class Doubling:
    """Counts the rows it was given."""

    def __init__(self) -> None:
        self.rows = 0

    def __call__(self, rows: Tensor) -> Tensor:
        self.rows += rows.shape[0]
        return 2 * rows


def test_distinct_nodes_come_ascending_and_once() -> None:
    assert distinct_nodes(torch.tensor([4, 1, 4, 0]), 6).tolist() == [0, 1, 4]
    assert distinct_nodes(torch.zeros(0, dtype=torch.int64), 0).tolist() == []


def test_each_row_is_worked_out_once_and_only_where_asked_for() -> None:
    double = Doubling()
    rows = NodeRows(SOURCE, double)
    assert rows.at(torch.tensor([3, 1, 3]))[[1, 3]].tolist() == (2 * SOURCE)[[1, 3]].tolist()
    assert double.rows == 2
    assert rows.at(torch.tensor([1, 5]))[[1, 3, 5]].tolist() == (2 * SOURCE)[[1, 3, 5]].tolist()
    assert double.rows == 3
    assert torch.equal(rows.all(), 2 * SOURCE)
    assert double.rows == 6


def test_rows_of_rows_ask_for_no_more_than_they_need() -> None:
    first = Doubling()
    rows = NodeRows(NodeRows(SOURCE, first), Doubling())
    assert rows.at(torch.tensor([2]))[2].tolist() == (4 * SOURCE)[2].tolist()
    assert first.rows == 1


def test_rows_put_in_are_taken_as_they_are_and_carry_no_gradient() -> None:
    double = Doubling()
    rows = NodeRows(SOURCE, double)
    rows.put(torch.tensor([0, 2]), torch.full((2, 2), 7.0, requires_grad=True))
    table = rows.at(torch.tensor([0, 1, 2]))
    assert table[:3].tolist() == [[7, 7], [4, 6], [7, 7]]
    assert not table.requires_grad
    assert double.rows == 1


def test_whole_matrix_is_handed_out_without_gradient() -> None:
    table = NodeRows(SOURCE.clone().requires_grad_()).at(torch.tensor([1]))
    assert torch.equal(table, SOURCE)
    assert not table.requires_grad


def test_no_nodes_asked_of_an_empty_graph_give_an_empty_matrix() -> None:
    assert NodeRows(torch.zeros(0, 3), Doubling()).all().shape == (0, 3)
