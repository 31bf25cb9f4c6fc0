"""The two clocks: what time it is, and how long something took. Both are handed on as arguments."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime

# Where the system has no clock that counts suspends, the plain one: it may then give a deadline more time.
_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def wall_clock() -> datetime:
    """Return the time now, in UTC. Two machines may disagree on it."""
    return datetime.now(UTC)


def earliest_present(at: datetime, *dated: Iterable[datetime]) -> datetime:
    """Return the time that ages are counted back from: `at`, or the newest of a list of times where that is earlier.

    Each list was dated by another clock. So a clock that is ahead, whichever it is, makes nothing older.
    """
    return min([at, *(max(times) for times in map(tuple, dated) if times)])


def elapsed_seconds() -> float:
    """Return seconds since some moment of the past, to measure by; a suspended machine's count goes on."""
    return time.clock_gettime(_BOOT_CLOCK)
