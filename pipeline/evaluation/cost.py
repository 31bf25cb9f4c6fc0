"""What each part of an evaluation takes."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.records.evaluation import EvaluationCost

logger = logging.getLogger(__name__)
MANY = 200_000  # pairs; a part of fewer takes seconds


class CostMeter:
    """Times the parts of an evaluation, one after the other; a part that is met again adds up.

    The log says of each long part that it begins, so that a person sees where an evaluation of minutes is.
    """

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._cpu_seconds: dict[str, float] = {}
        self._pairs: dict[str, int] = {}

    @contextmanager
    def part(self, name: str, pairs: int) -> Iterator[None]:
        """Time a block that works on so many pairs."""
        if pairs >= MANY:
            logger.info("%s: %s pairs", name, f"{pairs:,}")
        started, cpu_started = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + time.perf_counter() - started
            self._cpu_seconds[name] = self._cpu_seconds.get(name, 0.0) + time.process_time() - cpu_started
            self._pairs[name] = self._pairs.get(name, 0) + pairs

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
