"""Which neighbours two nodes share, and which only one of them has: one sorted list of nodes per pair."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor

from ncnc_core.adjacency import Adjacency, contains_keys
from ncnc_core.neighbor_sampling import spaced_places
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
    return shared_neighbors(adjacency, adjacency, torch.where(swap, second, first), torch.where(swap, first, second))


def shared_neighbors(
    near: Adjacency, far: Adjacency, near_node: Int64[Tensor, " pairs"], far_node: Int64[Tensor, " pairs"]
) -> NodeLists:
    """Return N_near(a) ∩ N_far(b) for each a, b; the rows of `near` are walked, so give the sparser graph first."""
    lengths = near.degree[near_node]
    ends = torch.cumsum(lengths, 0)
    owner = torch.repeat_interleave(torch.arange(near_node.numel(), device=near_node.device), lengths)  # [expanded]
    shift = near.row_pointer[near_node] - (ends - lengths)
    node = near.column[torch.arange(owner.numel(), device=owner.device) + shift[owner]]
    found = contains_keys(far.keys, far_node[owner] * far.num_nodes + node)
    return NodeLists(_pointer(owner[found], near_node.numel()), node[found])


def exclusive_neighbors(
    adjacency: Adjacency,
    node: Int64[Tensor, " pairs"],
    other: Int64[Tensor, " pairs"],
    common: NodeLists,
    *,
    skip_other: bool,
    limit: int | None = None,
    random: bool = False,
) -> NodeLists:
    """Return N(node) minus N(other) for each row, ascending, given `common`, their `common_neighbors`.

    An edge between the two makes `other` itself a member: as a completion candidate it would let a known edge see
    itself. `skip_other` leaves it out. `limit` keeps that many of each list, see `spaced_places`; then the cost is
    O((kept + common) * log), however long the rows: no hub's row is walked to find what is not shared.
    """
    owner, member = common.owner, common.node  # what is left out, [excluded]
    if skip_other:
        joined = adjacency.has(torch.stack([node, other])).nonzero().flatten()
        owner, member = torch.cat([owner, joined]), torch.cat([member, other[joined]])
    start = adjacency.row_pointer[node]
    # Where each of them stands in its row, as one ascending key: pair * stride + place.
    stride = adjacency.num_nodes + 1
    place = torch.searchsorted(adjacency.keys, node[owner] * adjacency.num_nodes + member) - start[owner]
    order = (owner * stride + place).sort().values
    owner = order.div(stride, rounding_mode="floor")
    pointer = _pointer(owner, node.numel())
    # Less its rank in the list, a place says how many kept places lie before it.
    kept_before = order - (torch.arange(order.numel(), device=order.device) - pointer[owner])
    lengths = adjacency.degree[node] - (pointer[1:] - pointer[:-1])
    chosen = spaced_places(lengths, limit, random=random)
    skipped = torch.searchsorted(kept_before, chosen.owner * stride + chosen.place, right=True) - pointer[chosen.owner]
    entry = start[chosen.owner] + chosen.place + skipped
    return NodeLists(chosen.row_pointer, adjacency.column[entry], chosen.weight)


def _pointer(owner: Tensor, num_rows: int) -> Tensor:
    pointer = torch.zeros(num_rows + 1, dtype=torch.int64, device=owner.device)
    torch.cumsum(torch.bincount(owner, minlength=num_rows), 0, out=pointer[1:])
    return pointer
