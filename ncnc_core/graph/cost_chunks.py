"""Chunks of pairs of bounded cost: a pair at a hub can cost thousands of times another."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Int64
from torch import Tensor


def cost_chunks(cost: Int64[Tensor, " pairs"], limit: int) -> Iterator[slice]:
    """Yield consecutive slices whose cost stays within `limit`; a pair that costs more alone gets its own slice."""
    total = torch.cumsum(cost, 0).cpu()
    start, spent = 0, 0
    while start < total.numel():
        stop = max(int(torch.searchsorted(total, spent + limit, right=True)), start + 1)
        yield slice(start, stop)
        start, spent = stop, int(total[stop - 1])
