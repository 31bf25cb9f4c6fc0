"""The search for neighbours in tensor operations: it runs on an accelerator, and the kernels are tested against it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from ncnc_core.graph.node_lists import NodeLists
from ncnc_core.graph.roles import Rows
from ncnc_core.graph.row_ranks import RowRanks


def shared_neighbors(near: Rows, far: Rows, near_node: Tensor, far_node: Tensor) -> NodeLists:
    """Return N_near(a) ∩ N_far(b) for each a, b.

    Walks the rows of `near` and looks each entry up in the sorted keys of `far`: time O(sum d_a * log entries),
    memory O(sum d_a).
    """
    lengths = near.degree[near_node]
    ends = torch.cumsum(lengths, 0)
    owner = torch.repeat_interleave(torch.arange(near_node.numel(), device=near_node.device), lengths)  # [expanded]
    shift = near.row_pointer[near_node] - (ends - lengths)
    node = near.column[torch.arange(owner.numel(), device=owner.device) + shift[owner]]
    found = far.has_keys(far_node[owner] * far.num_nodes + node).nonzero().flatten()
    return NodeLists(_pointer(owner[found], near_node.numel()), node[found])


def exclusive_neighbors(
    rows: Rows,
    node: Tensor,
    other: Tensor,
    common: NodeLists,
    *,
    skip_other: bool,
    limit: int | None,
    shift: Tensor | None,
    ranks: RowRanks | None = None,
) -> NodeLists:
    """Return N(node) minus N(other) for each row, thinned to `limit`; O((kept + common) * log), however long a row.

    What is kept of a long list is spaced along the order of `ranks`, or of the positions.
    """
    start, stride = rows.row_pointer[node], rows.num_nodes + 1
    order = _left_out(rows, node, other if skip_other else None, common, ranks)
    owner = order.div(stride, rounding_mode="floor").clamp(max=node.numel())
    pointer = _pointer(owner, node.numel())
    # Less its rank in the list, a place says how many kept places lie before it.
    kept_before = order - (torch.arange(order.numel(), device=order.device) - pointer[owner])
    lengths = rows.degree[node] - (pointer[1:] - pointer[:-1])
    chosen = spaced_places(lengths, limit, shift)
    skipped = torch.searchsorted(kept_before, chosen.owner * stride + chosen.place, right=True) - pointer[chosen.owner]
    place = chosen.place + skipped
    if ranks is None:
        return NodeLists(chosen.row_pointer, rows.column[start[chosen.owner] + place], chosen.weight)
    found = rows.column[start[chosen.owner] + ranks.places(node[chosen.owner], place)]
    found = (chosen.owner * stride + found).sort().values - chosen.owner * stride  # ascending in each list again
    return NodeLists(chosen.row_pointer, found, chosen.weight)


def _left_out(rows: Rows, node: Tensor, other: Tensor | None, common: NodeLists, ranks: RowRanks | None) -> Tensor:
    """Return where what a list leaves out stands in its row, as one ascending key: pair * stride + place, [excluded].

    That is what is common, and of a pair that is an edge the `other` end. One that is no edge has a key past the last
    pair, and counts nowhere: to select those that are would wait for an accelerator.
    """
    stride = rows.num_nodes + 1
    owner, member = common.owner, common.node
    is_entry = torch.ones_like(owner, dtype=torch.bool)
    if other is not None:
        owner = torch.cat([owner, torch.arange(node.numel(), device=node.device)])
        member = torch.cat([member, other])
        is_entry = torch.cat([is_entry, rows.has_keys(node * rows.num_nodes + other)])
    place = rows.key_places(node[owner] * rows.num_nodes + member) - rows.row_pointer[node][owner]
    place = torch.where(is_entry, place, 0)
    place = place if ranks is None else ranks.ranks(node[owner], place)
    return torch.where(is_entry, owner * stride + place, node.numel() * stride + owner).sort().values


def _pointer(owner: Tensor, num_rows: int) -> Tensor:
    """Return where the entries of each row begin, given the ascending row of each; no wait, unlike bincount."""
    return torch.searchsorted(owner, torch.arange(num_rows + 1, device=owner.device))


@dataclass(frozen=True, eq=False)
class Places:
    """Which places of each list are kept: entry e is place `place[e]` of list `owner[e]`, ascending.

    `row_pointer` [lists + 1]; `weight` is the length of the list over the number kept, or None where all are kept.
    """

    row_pointer: Tensor
    owner: Tensor
    place: Tensor
    weight: Tensor | None


def spaced_places(
    lengths: Int64[Tensor, " lists"], limit: int | None, shift: Float64[Tensor, " lists"] | None = None
) -> Places:
    """Keep at most `limit` places a list, evenly spaced along it, each weighted length / kept.

    Systematic sampling: entry t of `limit` is at floor((t + shift) * length / limit). With random shifts in [0, 1)
    every place is kept with probability limit / length, so a weighted sum is unbiased (training). Without, the shift
    is a half: the choice depends on the list alone, not on the batch (scoring is repeatable).
    """
    is_thinned = limit is not None and lengths.numel() > 0
    if is_thinned and lengths.device.type == "cpu":  # an accelerator would wait; there, whole lists get weights of one
        is_thinned = int(lengths.max()) > limit  # type: ignore[operator]
    kept = lengths.clamp(max=limit) if is_thinned else lengths
    pointer = torch.zeros(lengths.numel() + 1, dtype=torch.int64, device=lengths.device)
    torch.cumsum(kept, 0, out=pointer[1:])
    owner = torch.repeat_interleave(torch.arange(kept.numel(), device=kept.device), kept)
    place = torch.arange(owner.numel(), device=owner.device) - pointer[owner]
    if not is_thinned:
        return Places(pointer, owner, place, None)
    length, number = lengths[owner], kept[owner]
    # float64: exact enough that floor never leaves the list; a whole list (length == kept) maps to itself.
    offset = 0.5 if shift is None else shift[owner]
    spread = ((place + offset) * length.double() / number).floor().to(torch.int64)
    place = torch.where(length == number, place, torch.minimum(spread, length - 1))
    return Places(pointer, owner, place, (length / number).to(torch.float32))
