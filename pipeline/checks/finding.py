"""A check's result, with the message for the case that it failed: rule, value, remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.params.snapshot import SnapshotParams
from pipeline.records.findings import CheckResult

Level = Literal["refuse", "warn"]


@dataclass(frozen=True)
class Finding:
    """What a check found; message: what to say if it failed."""

    result: CheckResult
    message: str = ""

    @property
    def refuses(self) -> bool:
        """Whether this check refuses the delivery."""
        return self.result.level == "refuse" and not self.result.passed


def finding(name: str, level: Level, *, threshold: str, observed: str, passed: bool, message: str = "") -> Finding:
    """Return a finding; the message begins with the check's name."""
    result = CheckResult(name=name, level=level, threshold=threshold, observed=observed, passed=passed)
    return Finding(result, f"{name}: {message}" if message else "")


def counted(name: str, level: Level, count: int, message: str) -> Finding:
    """Return the finding of a check that passes if a count is 0."""
    return finding(name, level, threshold="0", observed=str(count), passed=count == 0, message=message)


def refuse_if(refuse: bool) -> Level:
    """Return the level of a check with a switch of its own in params.yaml."""
    return "refuse" if refuse else "warn"


def level_of(name: str, params: SnapshotParams) -> Level:
    """Return the level of a check with a threshold: it refuses unless snapshot.warn_only names it."""
    return refuse_if(name not in params.warn_only)
