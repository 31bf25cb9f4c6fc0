"""Seconds of a piece of work, and what the machine's matrix unit would have done in them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Seconds:
    """By the clock, and of all processors together."""

    wall: float
    cpu: float


def quickest(work: Callable[[], object], *, rounds: int) -> Seconds:
    """Return the least of either over the rounds; one round before is not counted."""
    work()
    seconds = [timed(work) for _ in range(rounds)]
    return Seconds(min(one.wall for one in seconds), min(one.cpu for one in seconds))


def timed(work: Callable[[], object]) -> Seconds:
    """Return the seconds of one round."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Seconds(time.perf_counter() - wall, time.process_time() - cpu)


def matmul_rate(rows: int, channels: int, *, rounds: int = 20) -> float:
    """Return the float32 operations a second of rows [rows, channels] times a weight, with the threads there are."""
    left, right = torch.randn(rows, channels), torch.randn(channels, channels)
    return 2.0 * rows * channels**2 / quickest(lambda: left @ right, rounds=rounds).wall
