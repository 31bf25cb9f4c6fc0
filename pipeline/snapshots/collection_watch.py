"""Waiting for a garbage collection to end, and giving one up that died.

Whether a collection is over is never told from two machines' clocks. Its end stands in the journal, or a process has
seen it run for its whole time and a margin, by its own count, and enters that it is given up. A collection looks into
the journal before each batch that it deletes, so that one which was given up deletes nothing more.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipeline.clock import elapsed_seconds
from pipeline.environment import whoami
from pipeline.origin.git import GitOrigin
from pipeline.snapshots.journal import Journal, append
from pipeline.snapshots.journal_entries import GcGivenUp, GcStarted

logger = logging.getLogger(__name__)
POLL_SECONDS = 1.0

# Added to a collection's time: for a last request that is still being carried out.
MARGIN = timedelta(minutes=5)


def pause() -> None:
    """Wait until it is worth looking again."""
    time.sleep(POLL_SECONDS)


@dataclass
class CollectionWatch:
    """How long this process has seen each collection run; since: by its id."""

    origin: GitOrigin
    clock: Callable[[], datetime]
    since: dict[str, float] = field(default_factory=dict)

    def over(self, journal: Journal) -> bool:
        """Return whether no collection runs; one that has not ended in its time is given up, and read as such later."""
        for running in journal.running:
            if running.id not in self.since:
                logger.info("waiting for the garbage collection %s of %s to end", running.id, running.who)
            seen_for = elapsed_seconds() - self.since.setdefault(running.id, elapsed_seconds())
            # Both times are the collector's own, so that their difference holds whatever its clock says.
            if seen_for >= (running.until - running.at + MARGIN).total_seconds():
                self._give_up(running)
        return not journal.running

    def _give_up(self, started: GcStarted) -> None:
        wanted = GcGivenUp(id=started.id, at=self.clock(), who=whoami())
        append(self.origin, lambda journal: wanted if started in journal.running else None)
        logger.warning("the garbage collection %s of %s has not ended in its time: given up", started.id, started.who)
