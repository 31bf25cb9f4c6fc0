"""A bounded number of neighbours per pair, weighted so that their sum stays the same on average."""

from __future__ import annotations

import torch
from torch import Tensor

from ncnc_core.overlap import NodeLists


def limit_neighbors(lists: NodeLists, limit: int | None, *, random: bool) -> NodeLists:
    """Keep at most `limit` nodes a list, evenly spaced along it, each weighted length / kept.

    Systematic sampling: entry t of `limit` is at floor((t + shift) * length / limit). With a random shift in [0, 1)
    every node is kept with probability limit / length, so the weighted sum is unbiased (training). Without, the shift
    is a half: the choice depends on the list alone, not on the batch (scoring is repeatable).
    """
    lengths = lists.row_pointer[1:] - lists.row_pointer[:-1]
    if limit is None or lists.node.numel() == 0 or int(lengths.max()) <= limit:
        return lists
    kept = lengths.clamp(max=limit)
    pointer = torch.zeros_like(lists.row_pointer)
    torch.cumsum(kept, 0, out=pointer[1:])
    owner = torch.repeat_interleave(torch.arange(kept.numel(), device=kept.device), kept)
    place = torch.arange(owner.numel(), device=owner.device) - pointer[owner]
    position = lists.row_pointer[owner] + _spread(place, lengths[owner], kept[owner], _shift(lengths, random)[owner])
    weight = (lengths[owner] / kept[owner]).to(torch.float32)
    return NodeLists(pointer, lists.node[position], weight)


def _shift(lengths: Tensor, random: bool) -> Tensor:
    if random:
        return torch.rand(lengths.numel(), device=lengths.device, dtype=torch.float64)
    return torch.full((lengths.numel(),), 0.5, device=lengths.device, dtype=torch.float64)


def _spread(place: Tensor, length: Tensor, kept: Tensor, shift: Tensor) -> Tensor:
    # float64: exact enough that floor never leaves the row; a full row (length == kept) maps to itself.
    spread = ((place + shift) * length / kept).floor().to(torch.int64)
    return torch.where(length == kept, place, torch.minimum(spread, length - 1))
