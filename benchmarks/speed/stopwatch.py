"""Seconds of a piece of work, and what the machine's matrix unit would have done in them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Seconds:
    """The quickest round: by the clock, and of all processors together."""

    wall: float
    cpu: float


def quickest(work: Callable[[], object], *, rounds: int) -> Seconds:
    """Return the round that the rest of the machine disturbed least; one round before is not counted."""
    work()
    return min((timed(work) for _ in range(rounds)), key=lambda seconds: seconds.wall)


def timed(work: Callable[[], object]) -> Seconds:
    """Return the seconds of one round."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Seconds(time.perf_counter() - wall, time.process_time() - cpu)


def matmul_rate(rows: int, channels: int, *, rounds: int = 20) -> float:
    """Return the float32 operations a second of rows [rows, channels] times a weight, with the threads there are."""
    left, right = torch.randn(rows, channels), torch.randn(channels, channels)
    return 2.0 * rows * channels**2 / quickest(lambda: left @ right, rounds=rounds).wall
