"""The record of all checks of one delivery, passed or not, as it is kept with the run and shown to you."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from pydantic import AwareDatetime

from pipeline.plain_text import plain
from pipeline.records.findings import CheckResult
from pipeline.records.part import GraphName
from pipeline.records.record import Record

if TYPE_CHECKING:
    from rich.table import Table


TEXT_WIDTH = 160


class DataChecks(Record):
    """The checks of one night; reasons: the full messages of those that refused the delivery, if any."""

    file_name = "data_checks.json"

    graph: GraphName
    as_of: AwareDatetime
    delivery: str
    checks: tuple[CheckResult, ...]
    reasons: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether the delivery is refused, so that nothing of it is versioned."""
        return bool(self.reasons)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The names of the checks that failed without refusing."""
        return tuple(item.name for item in self.checks if item.level == "warn" and not item.passed)

    @property
    def heading(self) -> str:
        """The outcome in a line. It is not the table's title, because rich folds that to the table's width."""
        outcome = "refused" if self.refused else "accepted"
        return f"checks of {self.graph} as of {self.as_of:%Y-%m-%d %H:%M}: {outcome}, {len(self.warnings)} warning(s)"

    def table(self) -> Table:
        """Return the checks as a table, a row each."""
        from rich.table import Table

        table = Table()
        table.add_column("check", no_wrap=True)
        table.add_column("verdict", no_wrap=True)
        table.add_column("observed")
        table.add_column("threshold")
        for item in self.checks:
            style = None if item.passed else ("red" if item.level == "refuse" else "yellow")
            table.add_row(item.name, verdict(item), item.observed, item.threshold, style=style)
        return table

    def to_text(self) -> str:
        """Return the table as plain text, and the reasons below it."""
        from pipeline.terminal import Terminal

        stream = io.StringIO()
        Terminal(file=stream, width=TEXT_WIDTH, color_system=None).print(self.table())
        return plain("\n".join([self.heading, stream.getvalue(), *self.reasons]).rstrip() + "\n")


def verdict(item: CheckResult) -> str:
    """Return a check's outcome in a word."""
    if item.passed:
        return "ok"
    return "REFUSE" if item.level == "refuse" else "warn"
