"""One number for a pair of nodes, and the look-up of such numbers."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Int, Int64
from torch import Tensor

from ncnc_core.graph.positions import require_room_for_keys
from ncnc_core.graph.sorted_search import sorted_places


def pair_keys(pairs: Int64[Tensor, "2 pairs"], num_nodes: int) -> Int64[Tensor, " pairs"]:
    """Return one int64 per unordered pair: min * num_nodes + max, equal for (u, v) and (v, u)."""
    require_room_for_keys(num_nodes)
    return torch.minimum(pairs[0], pairs[1]) * num_nodes + torch.maximum(pairs[0], pairs[1])


def directed_keys(edges: Int[Tensor, "2 edges"], num_nodes: int) -> Int64[Tensor, " entries"]:
    """Return two int64 an edge, row * num_nodes + column: those of all edges as given, then those of all turned."""
    count = edges.shape[1]
    keys = torch.empty(2 * count, dtype=torch.int64, device=edges.device)
    for start, (row, column) in ((0, edges), (count, edges.flip(0))):
        keys[start : start + count] = row  # as int64: in int32 a key would overflow
        keys[start : start + count].mul_(num_nodes).add_(column)
    return keys


def distinct_keys(keys: Int64[Tensor, " keys"]) -> Int64[Tensor, " distinct"]:
    """Return each key once, ascending; on the CPU the tensor given is sorted in place, with no copy of it in memory."""
    if keys.device.type == "cpu":
        keys.numpy().sort()
    else:
        keys = keys.sort().values
    repeats = torch.zeros_like(keys, dtype=torch.bool)
    torch.eq(keys[1:], keys[:-1], out=repeats[1:])
    return keys[~repeats] if repeats.any() else keys


def contains_keys(sorted_keys: Int64[Tensor, " keys"], wanted: Int64[Tensor, " wanted"]) -> Bool[Tensor, " wanted"]:
    """Return which of the wanted keys stand in a sorted tensor of keys; O(wanted * log keys)."""
    if sorted_keys.numel() == 0:
        return torch.zeros_like(wanted, dtype=torch.bool)
    position = sorted_places(sorted_keys, wanted)
    # It is len(sorted_keys) for a key past the last one: clamp, then compare for equality.
    return sorted_keys[position.clamp_(max=sorted_keys.numel() - 1)] == wanted
