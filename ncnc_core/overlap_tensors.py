"""The overlap in tensor operations: what runs where the compiled kernels do not, and what they are tested against."""

from __future__ import annotations

import torch
from torch import Tensor

from ncnc_core.adjacency import Adjacency, contains_keys
from ncnc_core.neighbor_sampling import spaced_places
from ncnc_core.node_lists import NodeLists


def shared_neighbors(near: Adjacency, far: Adjacency, near_node: Tensor, far_node: Tensor) -> NodeLists:
    """Return N_near(a) ∩ N_far(b) for each a, b.

    Walks the rows of `near` and looks each entry up in the sorted keys of `far`: time O(sum d_a * log entries),
    memory O(sum d_a).
    """
    lengths = near.degree[near_node]
    ends = torch.cumsum(lengths, 0)
    owner = torch.repeat_interleave(torch.arange(near_node.numel(), device=near_node.device), lengths)  # [expanded]
    shift = near.row_pointer[near_node] - (ends - lengths)
    node = near.column[torch.arange(owner.numel(), device=owner.device) + shift[owner]]
    found = contains_keys(far.keys, far_node[owner] * far.num_nodes + node)
    return NodeLists(_pointer(owner[found], near_node.numel()), node[found])


def exclusive_neighbors(
    adjacency: Adjacency,
    node: Tensor,
    other: Tensor,
    common: NodeLists,
    *,
    skip_other: bool,
    limit: int | None,
    shift: Tensor | None,
) -> NodeLists:
    """Return N(node) minus N(other) for each row, thinned to `limit`; O((kept + common) * log), however long a row."""
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
    chosen = spaced_places(lengths, limit, shift)
    skipped = torch.searchsorted(kept_before, chosen.owner * stride + chosen.place, right=True) - pointer[chosen.owner]
    entry = start[chosen.owner] + chosen.place + skipped
    return NodeLists(chosen.row_pointer, adjacency.column[entry], chosen.weight)


def _pointer(owner: Tensor, num_rows: int) -> Tensor:
    pointer = torch.zeros(num_rows + 1, dtype=torch.int64, device=owner.device)
    torch.cumsum(torch.bincount(owner, minlength=num_rows), 0, out=pointer[1:])
    return pointer
