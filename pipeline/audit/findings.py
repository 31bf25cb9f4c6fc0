"""What an audit has found so far: the records, and every check made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pipeline.doors import Doors
from pipeline.errors import NewerFormat, OutsideTrouble, StepError
from pipeline.records.record import Record
from pipeline.registry.facts import ModelVersion

R = TypeVar("R", bound=Record)
NOTHING = "nothing"


@dataclass(frozen=True)
class AuditCheck:
    """One thing that was recomputed: what it was recorded as, what it is, and whether they agree.

    not_reached: a service gave no answer, so that nothing is known of the bytes.
    """

    what: str
    expected: str
    observed: str
    ok: bool
    not_reached: bool = False


@dataclass
class AuditFindings:
    """What one audit of a version looks at, the records found so far, and every check made of them."""

    doors: Doors
    version: ModelVersion
    work_folder: Path
    records: dict[type[Record], Record] = field(default_factory=dict)
    checks: list[AuditCheck] = field(default_factory=list)
    root: str | None = None  # the digest of the lineage record, where the audit starts

    def record(self, kind: type[R]) -> R | None:
        """Return a record of the chain if it was found."""
        found = self.records.get(kind)
        return found if isinstance(found, kind) else None

    def check(self, what: str, expected: object, observed: object) -> None:
        """Enter one comparison."""
        agree = expected == observed and expected is not None
        self.checks.append(AuditCheck(what, str(expected or NOTHING), str(observed or NOTHING), agree))

    def attempt(self, what: str, expected: str, act: Callable[[], object]) -> None:
        """Do what may end in one of the project's errors; the error is then what was observed.

        Raises:
            NewerFormat: a newer version wrote it. That is no fault of the bytes, and this version cannot judge them.
        """
        try:
            act()
        except NewerFormat:
            raise
        except StepError as error:
            away = isinstance(error, OutsideTrouble)
            self.checks.append(AuditCheck(what, expected, str(error), ok=False, not_reached=away))
