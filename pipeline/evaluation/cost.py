"""What each part of an evaluation takes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ncnc_core.durations import spoken_seconds
from pipeline.clock import elapsed_seconds
from pipeline.records.evaluation import EvaluationCost

logger = logging.getLogger(__name__)
MANY = 200_000  # pairs; a part of fewer takes seconds
LINE_SECONDS = 60.0


class CostMeter:
    """Times the parts of an evaluation, one after the other; a part that is met again adds up.

    The log says of each long part that it begins, and a line a minute how far it is, so that a person sees where an
    evaluation of minutes is.
    """

    def __init__(self, clock: Callable[[], float] = elapsed_seconds) -> None:
        self._clock, self._name, self._of, self._done = clock, "", 0, 0
        self._began = clock()
        self._due = self._began + LINE_SECONDS
        self._seconds: dict[str, float] = {}
        self._cpu_seconds: dict[str, float] = {}
        self._pairs: dict[str, int] = {}

    @contextmanager
    def part(self, name: str, pairs: int) -> Iterator[None]:
        """Time a block that works on so many pairs."""
        if pairs >= MANY:
            logger.info("%s: %s pairs", name, f"{pairs:,}")
        self._name, self._of, self._done = name, pairs, 0
        self._began = self._clock()
        self._due = self._began + LINE_SECONDS
        started, cpu_started = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + time.perf_counter() - started
            self._cpu_seconds[name] = self._cpu_seconds.get(name, 0.0) + time.process_time() - cpu_started
            self._pairs[name] = self._pairs.get(name, 0) + pairs

    def did(self, pairs: int) -> None:
        """Count pairs of the part under way as done, and say now and then how far it is."""
        self._done += pairs
        now = self._clock()
        if now < self._due:
            return
        self._due = now + LINE_SECONDS
        left = spoken_seconds((now - self._began) / self._done * max(0, self._of - self._done))
        logger.info("%s: %s of %s pairs, %s left", self._name, f"{self._done:,}", f"{self._of:,}", left)

    @property
    def costs(self) -> tuple[EvaluationCost, ...]:
        """Every part, in the order in which they were first met."""
        return tuple(
            EvaluationCost(
                part=name,
                seconds=round(seconds, 4),
                pairs=self._pairs[name],
                cpu_seconds=round(self._cpu_seconds[name], 4),
            )
            for name, seconds in self._seconds.items()
        )
