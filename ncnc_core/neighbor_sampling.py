"""A bounded number of entries per list, weighted so that their sum stays the same on average."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float64, Int64
from torch import Tensor


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
    is_thinned = limit is not None and lengths.numel() > 0 and int(lengths.max()) > limit
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
