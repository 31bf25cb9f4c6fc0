"""Which neighbours two nodes share, and which only one of them has: one sorted list of nodes per pair."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor

from ncnc_core.adjacency import Adjacency, contains_keys
from ncnc_core.ragged_sum import ragged_sum


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
        return torch.repeat_interleave(torch.arange(lengths.numel(), device=lengths.device), lengths)

    @property
    def occupied(self) -> Tensor:
        """Which lists hold any node, bool [pairs]."""
        return self.row_pointer[1:] > self.row_pointer[:-1]

    def sum_rows(self, values: Tensor) -> Tensor:
        """Return the weighted sum of each list's node values, [pairs, channels]."""
        return ragged_sum(values, self.row_pointer, self.node, self.weight)


def common_neighbors(adjacency: Adjacency, pairs: Int64[Tensor, "2 pairs"]) -> NodeLists:
    """Return N(i) ∩ N(j) for each pair (i, j), ascending.

    Walks the shorter row of each pair and looks each entry up in the sorted keys of the graph:
    time O(sum min(d_i, d_j) * log entries), memory O(sum min(d_i, d_j)).
    """
    first, second = pairs
    swap = adjacency.degree[first] > adjacency.degree[second]
    walked, other = torch.where(swap, second, first), torch.where(swap, first, second)
    return _select(adjacency, adjacency, walked, other, keep_found=True)


def shared_neighbors(near: Adjacency, far: Adjacency, near_node: Tensor, far_node: Tensor) -> NodeLists:
    """Return N_near(a) ∩ N_far(b) for each a, b; the rows of `near` are walked, so give the sparser graph first."""
    return _select(near, far, near_node, far_node, keep_found=True)


def exclusive_neighbors(adjacency: Adjacency, node: Tensor, other: Tensor, *, skip_other: bool) -> NodeLists:
    """Return N(node) minus N(other) for each row, ascending; O(sum d_node * log entries).

    An edge between the two makes `other` itself a member: as a completion candidate it would let a known edge see
    itself. `skip_other` leaves it out.
    """
    return _select(adjacency, adjacency, node, other, keep_found=False, skip_other=skip_other)


def _select(
    walk: Adjacency, look_up: Adjacency, walked: Tensor, other: Tensor, *, keep_found: bool, skip_other: bool = False
) -> NodeLists:
    """Walk one row a pair and keep the entries found (or not found) in the other row."""
    lengths = walk.degree[walked]
    ends = torch.cumsum(lengths, 0)
    owner = torch.repeat_interleave(torch.arange(walked.numel(), device=walked.device), lengths)  # [expanded]
    shift = walk.row_pointer[walked] - (ends - lengths)
    node = walk.column[torch.arange(owner.numel(), device=owner.device) + shift[owner]]
    across = other[owner]
    keep = contains_keys(look_up.keys, across * look_up.num_nodes + node) == keep_found
    if skip_other:
        keep &= node != across
    return NodeLists(_pointer(owner[keep], walked.numel()), node[keep])


def _pointer(owner: Tensor, num_rows: int) -> Tensor:
    pointer = torch.zeros(num_rows + 1, dtype=torch.int64, device=owner.device)
    torch.cumsum(torch.bincount(owner, minlength=num_rows), 0, out=pointer[1:])
    return pointer
