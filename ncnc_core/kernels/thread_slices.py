"""Sharing a compiled loop among threads: no thread pool of the compiler's own, which would not survive a fork."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import torch


def in_slices(loop: Callable[[int, int], None], size: int, *, least: int = 1) -> None:
    """Call loop(start, stop) on consecutive parts of range(size), one part a torch thread, side by side.

    The loop must release the interpreter lock and fill only its own part of the output. Parts are not made smaller
    than `least`; with one part the caller's own thread does it.
    """
    parts = max(1, min(torch.get_num_threads(), size // max(least, 1)))
    cuts = [size * part // parts for part in range(parts + 1)]
    if parts == 1:
        loop(0, size)
        return
    with ThreadPoolExecutor(parts - 1) as pool:
        others = [pool.submit(loop, *cut) for cut in pairwise(cuts[1:])]
        loop(cuts[0], cuts[1])
        for other in others:
            other.result()
