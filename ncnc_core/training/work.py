"""How far a training is, in pairs, and when it will end at the latest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

T = TypeVar("T")
Part = Literal["reading", "training", "validating", "calibrating", "confirming"]


@dataclass(frozen=True)
class WorkDone:
    """Of `total` pairs to be trained on or scored at most, `done` are; `part` is what is being done.

    Before a phase of a temporal training its windows are read: then `unit` is "parts", and `done` and `total` are of
    these.

    `seconds` are those since this process began; `seconds_left` are at most what is to come at the pace until now, for
    a training may stop early. None: the first batch alone was done. It loads kernels, which says nothing of the pace.
    """

    part: Part
    done: int
    total: int
    seconds: float
    seconds_left: float | None
    unit: Literal["pairs", "parts"] = "pairs"


Listener = Callable[[WorkDone], None]


class Work:
    """Counts pairs and seconds, those that are trained on apart from those that are scored."""

    def __init__(self, *, trained: int = 0, scored: int = 0, at_the_end: int = 0, tell: Listener | None = None) -> None:
        """Plan so many pairs to be trained on, to be scored between epochs, and to be scored after the last one."""
        self._planned, self._between_epochs = {True: trained, False: scored + at_the_end}, scored
        self._done = {True: 0, False: 0}
        self._timed = {True: 0, False: 0}
        self._timed_seconds = {True: 0.0, False: 0.0}
        self._began = {True: False, False: False}
        self._seconds = 0.0
        self._tell = tell
        self._last = time.perf_counter()

    def begin(self) -> None:
        """Start the clock: what came before was no work on pairs."""
        self._last = time.perf_counter()

    def skip(self, share: float) -> None:
        """Count the share of the epochs that an earlier try has done; it says nothing of this machine's pace."""
        self._done = {True: round(share * self._planned[True]), False: round(share * self._between_epochs)}

    def reading(self, items: Iterable[T], read: int, total: int) -> Iterator[T]:
        """Yield parts of what is to be learned from, and tell before each how many are read; they have no pace."""
        for done, item in enumerate(items, read):
            if self._tell is not None:
                seconds = self._seconds + time.perf_counter() - self._last
                self._tell(WorkDone("reading", done, total, seconds, None, unit="parts"))
            yield item

    def did(self, part: Part, pairs: int) -> None:
        """Count pairs that were done since the last call, and tell."""
        now, trains = time.perf_counter(), part == "training"
        self._seconds += now - self._last
        if self._began[trains]:  # the first batch of a kind loads its kernels
            self._timed_seconds[trains] += now - self._last
            self._timed[trains] += pairs
        self._began[trains], self._last = True, now
        self._done[trains] += pairs
        # A calibration that tries fewer constants than it might is less than planned, and none is more than its plan.
        self._planned[trains] = max(self._planned[trains], self._done[trains])
        if self._tell is not None:
            done, total = sum(self._done.values()), sum(self._planned.values())
            self._tell(WorkDone(part, done, total, self._seconds, self._left()))

    def _left(self) -> float | None:
        """Return the seconds to come, each kind of pair at its own pace, or where it has none yet at the other's."""
        pace = {kind: self._timed_seconds[kind] / self._timed[kind] for kind in self._timed if self._timed[kind]}
        if not pace:
            return None
        any_pace = max(pace.values())
        return sum((self._planned[kind] - self._done[kind]) * pace.get(kind, any_pace) for kind in self._planned)
