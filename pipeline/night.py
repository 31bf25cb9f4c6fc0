"""A night that ended at its first step, as the ledger keeps it."""

from __future__ import annotations

from datetime import datetime

from pipeline.doors import Doors
from pipeline.environment import Environment
from pipeline.errors import InvalidInput, NothingToDo, StepError
from pipeline.records import NightEntry


def refused_or_skipped(
    error: StepError, *, graph: str, run_name: str, as_of: datetime, doors: Doors | None = None
) -> None:
    """Enter a refused or skipped night in the ledger; trouble outside is not an outcome and is not entered."""
    if not isinstance(error, InvalidInput | NothingToDo):
        return
    doors = doors or Doors(Environment.of_process())
    doors.ledger.append(
        NightEntry(
            graph=graph,
            run_name=run_name,
            as_of=as_of,
            at=doors.clock(),
            outcome="skipped" if isinstance(error, NothingToDo) else "refused",
            reason=str(error),
            completed=False,
        )
    )
