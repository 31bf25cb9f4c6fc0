"""What the lists of a batch pool: rows of g, worked out for the nodes in the lists alone where g is not at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ncnc_core.node_lists import NodeLists
from ncnc_core.node_rows import NodeRows, distinct_nodes
from ncnc_core.pair_head import PairHead


@dataclass(frozen=True, eq=False)
class PooledRows:
    """g of some nodes, with gradients: `values` [rows, channels], row r that of node `nodes[r]`, or of node r."""

    values: Tensor
    nodes: Tensor | None
    num_nodes: int

    @classmethod
    def of(cls, head: PairHead, levels: Sequence[Tensor], lists: Sequence[NodeLists]) -> PooledRows:
        """Take g from the levels [h, g]; with [h] alone, transform the nodes that the lists name, and no others.

        A graph's every node costs two products of [channels, channels], forward and twice that backward: on CiteSeer
        a batch pools a third of them.
        """
        num_nodes = levels[0].shape[0]
        if len(levels) > 1:
            return cls(levels[1], None, num_nodes)
        nodes = distinct_nodes(torch.cat([one.node for one in lists]), num_nodes)
        return cls(head.node_values(levels[0].index_select(0, nodes)), nodes, num_nodes)

    def sum(self, lists: NodeLists) -> Tensor:
        """Return the weighted sum of each list, [pairs, channels]."""
        if self.nodes is None:
            return lists.sum_rows(self.values)
        place = self.nodes.new_empty(self.num_nodes)
        place[self.nodes] = torch.arange(self.nodes.numel(), device=place.device)
        return lists.renumbered(place).sum_rows(self.values)

    def rows(self, head: PairHead, h: Tensor) -> NodeRows:
        """Return g without gradients, these rows known, any other transformed when it is asked for."""
        if self.nodes is None:
            return NodeRows(self.values)
        rows = NodeRows(h.detach(), head.node_values)
        rows.put(self.nodes, self.values)
        return rows


def pooled_logits(head: PairHead, levels: Sequence[Tensor], pairs: Tensor, *lists: NodeLists) -> Tensor:
    """Return the head's logits with the sum of g over each of the lists, [pairs]."""
    rows = PooledRows.of(head, levels, lists)
    if len(lists) > 1 or head.training or torch.is_grad_enabled():
        return head(levels[0], pairs, *(rows.sum(one) for one in lists))  # type: ignore[no-any-return]
    return occupied_logits(head, levels[0], pairs, lists[0], rows)


def occupied_logits(head: PairHead, h: Tensor, pairs: Tensor, lists: NodeLists, rows: PooledRows | Tensor) -> Tensor:
    """Return the logits where there is no dropout nor gradient: the many pairs that pool nothing share one value."""
    occupied = lists.occupied.nonzero().flatten()
    lists = lists.only(occupied)
    pooled = rows.sum(lists) if isinstance(rows, PooledRows) else lists.sum_rows(rows)
    logits: Tensor = head(h, pairs, pooled, occupied=occupied)
    return logits
