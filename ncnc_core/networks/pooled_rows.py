"""The node values g that a predictor pools, computed only for the nodes in its lists, and the logits from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor

from ncnc_core.graph.node_lists import NodeLists
from ncnc_core.networks.pair_head import PairHead


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
        """Return g without gradients: these rows are known, and any other is computed when it is first read."""
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


def distinct_nodes(nodes: Int64[Tensor, " entries"], num_nodes: int) -> Int64[Tensor, " nodes"]:
    """Return the distinct nodes, ascending; O(entries + num_nodes), no sort."""
    is_named = torch.zeros(num_nodes, dtype=torch.bool, device=nodes.device)
    is_named[nodes] = True
    return is_named.nonzero().flatten()


class NodeRows:
    """transform(source), each row computed when it is first read; without gradients.

    Memory: at most a row a node; rows that are never read use addresses but no memory.
    """

    def __init__(self, source: NodeRows | Tensor, transform: Callable[[Tensor], Tensor] | None = None) -> None:
        self._source, self._transform = source, transform
        self._table: Tensor | None = None
        self._is_known: Tensor | None = None  # [nodes]

    def at(self, nodes: Int64[Tensor, " entries"], *, are_known: bool = False) -> Tensor:
        """Return a matrix [nodes of the graph, channels] whose rows at these nodes are valid; others may not be.

        `are_known` says that all of them were read or put before: then an accelerator need not wait to find none new.
        """
        if self._transform is None:
            return self._source.detach() if isinstance(self._source, Tensor) else self._source.at(nodes)
        if are_known and self._table is not None:
            return self._table
        count = self.num_nodes
        if self._is_known is None:
            self._is_known = torch.zeros(count, dtype=torch.bool, device=nodes.device)
        wanted = torch.zeros_like(self._is_known)
        wanted[nodes] = True
        new = (wanted & ~self._is_known).nonzero().flatten()
        if new.numel() or self._table is None:
            source = self._source.at(new) if isinstance(self._source, NodeRows) else self._source
            with torch.no_grad():
                self.put(new, self._transform(source.index_select(0, new)))
        return self._table  # type: ignore[return-value]  # put made it

    def put(self, nodes: Int64[Tensor, " nodes"], rows: Tensor) -> None:
        """Take the rows of these nodes as given."""
        count = self.num_nodes
        if self._is_known is None:
            self._is_known = torch.zeros(count, dtype=torch.bool, device=nodes.device)
        if self._table is None:
            self._table = rows.new_empty(count, rows.shape[1], requires_grad=False)
        self._table[nodes] = rows.detach()
        self._is_known[nodes] = True

    def all(self) -> Tensor:
        """Return the whole matrix."""
        return self.at(torch.arange(self.num_nodes, device=self.device))

    @property
    def num_nodes(self) -> int:
        """The number of nodes of the graph."""
        return self._source.num_nodes if isinstance(self._source, NodeRows) else self._source.shape[0]

    @property
    def device(self) -> torch.device:
        """Where the rows are."""
        return self._source.device
