"""One list of nodes per pair: what is pooled, and with what weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ncnc_core.graph.ragged_sum import ragged_sum


@dataclass(frozen=True, eq=False)
class NodeLists:
    """One list of nodes per pair, in compressed rows, each node with an optional weight.

    `row_pointer` [pairs + 1] and `node` [entries] are int64; `weight` is float [entries], or None for all ones.
    """

    row_pointer: Tensor
    node: Tensor
    weight: Tensor | None = None

    @property
    def owner(self) -> Tensor:
        """The pair each entry belongs to, [entries]."""
        lengths = self.row_pointer[1:] - self.row_pointer[:-1]
        lists = torch.arange(lengths.numel(), device=lengths.device)
        return torch.repeat_interleave(lists, lengths, output_size=self.node.numel())

    @property
    def occupied(self) -> Tensor:
        """Which lists hold any node, bool [pairs]."""
        return self.row_pointer[1:] > self.row_pointer[:-1]

    @property
    def count(self) -> Tensor:
        """The weighted number of nodes in each list, float [pairs]."""
        if self.weight is None:
            return self.row_pointer.diff().to(torch.float32)
        return torch.segment_reduce(self.weight.to(torch.float32), "sum", offsets=self.row_pointer, initial=0)

    def only(self, rows: Tensor) -> NodeLists:
        """Return the lists of these rows [rows], ascending, where every row left out is empty."""
        return NodeLists(torch.cat([self.row_pointer[rows], self.row_pointer[-1:]]), self.node, self.weight)

    def renumbered(self, place: Tensor) -> NodeLists:
        """Return the lists with node v called place[v]."""
        return NodeLists(self.row_pointer, place[self.node], self.weight)

    def sum_rows(self, values: Tensor) -> Tensor:
        """Return the weighted sum of each list's node values, [pairs, channels]."""
        return ragged_sum(values, self.row_pointer, self.node, self.weight)

    @staticmethod
    def joined(parts: Sequence[NodeLists]) -> NodeLists:
        """Return, for each pair, its lists one after the other."""
        pointer = torch.stack([part.row_pointer for part in parts]).sum(0)
        node = pointer.new_empty(sum(part.node.numel() for part in parts))
        has_weight = any(part.weight is not None for part in parts)
        weight = torch.ones(node.numel() if has_weight else 0, device=node.device)
        start = pointer[:-1]
        for part in parts:
            lengths = part.row_pointer[1:] - part.row_pointer[:-1]
            # An entry moves as far as its list does.
            target = torch.arange(part.node.numel(), device=node.device) + (
                (start - part.row_pointer[:-1]).repeat_interleave(lengths, output_size=part.node.numel())
            )
            node[target] = part.node
            if part.weight is not None:
                weight[target] = part.weight
            start = start + lengths
        return NodeLists(pointer, node, weight if has_weight else None)
