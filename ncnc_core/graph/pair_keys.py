"""One number for a pair of nodes, and the look-up of such numbers."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from ncnc_core.graph.positions import require_room_for_keys


def pair_keys(pairs: Int64[Tensor, "2 pairs"], num_nodes: int) -> Int64[Tensor, " pairs"]:
    """Return one int64 per unordered pair: min * num_nodes + max, equal for (u, v) and (v, u)."""
    require_room_for_keys(num_nodes)
    return torch.minimum(pairs[0], pairs[1]) * num_nodes + torch.maximum(pairs[0], pairs[1])


def contains_keys(sorted_keys: Int64[Tensor, " keys"], wanted: Int64[Tensor, " wanted"]) -> Bool[Tensor, " wanted"]:
    """Return which of the wanted keys stand in a sorted tensor of keys; O(wanted * log keys)."""
    if sorted_keys.numel() == 0:
        return torch.zeros_like(wanted, dtype=torch.bool)
    position = torch.searchsorted(sorted_keys, wanted)
    # searchsorted answers len(sorted_keys) for a key past the last one: clamp, then compare for equality.
    return sorted_keys[position.clamp_(max=sorted_keys.numel() - 1)] == wanted
