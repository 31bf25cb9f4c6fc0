"""Lines in the log, and metrics in MLflow, that say how far a training is and when it will end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from ncnc_core.durations import spoken_seconds
from ncnc_core.training.work import WorkDone
from pipeline.clock import elapsed_seconds

logger = logging.getLogger(__name__)
FIRST_SECONDS = 5.0  # a person waits ten for a first word; what is done before needs none
NEXT_SECONDS = 60.0


class WorkLog:
    """Hears of every batch, and says a line after five seconds and then one a minute.

    `keep` gets the figures of each line as metrics, and the number of pairs done for a step.
    """

    def __init__(
        self,
        keep: Callable[[Mapping[str, float], int], None],
        *,
        name: str = "",
        clock: Callable[[], float] = elapsed_seconds,
    ) -> None:
        self._keep, self._name, self._clock = keep, name, clock
        self._due = clock() + FIRST_SECONDS

    def __call__(self, work: WorkDone) -> None:
        """Say where the training is, if it is time."""
        if self._clock() < self._due:
            return
        self._due = self._clock() + NEXT_SECONDS
        left = "" if work.seconds_left is None else f", {spoken_seconds(work.seconds_left)} left at most"
        name = f"{self._name} " if self._name else ""
        counts = f"{work.done:,} of at most {work.total:,} {work.unit}"
        logger.info("%s%s: %s%s", name, work.part, counts, left)
        if work.unit != "pairs":
            return
        prefix = f"{self._name}_" if self._name else ""
        figures = {f"{prefix}pairs_done": float(work.done), f"{prefix}pairs_planned": float(work.total)}
        if work.seconds_left is not None:
            figures[f"{prefix}seconds_left"] = work.seconds_left
        self._keep(figures, work.done)
