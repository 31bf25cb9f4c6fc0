from __future__ import annotations

import torch

from ncnc_core.node_lists import NodeLists
from ncnc_core.pair_head import PairHead
from ncnc_core.pooled_rows import PooledRows, occupied_logits, pooled_logits

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
