"""The times of a night, and the window of them that it reads of an event log.

A window is a filter that a Parquet scan or a database can use.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import ibis
import pyarrow as pa
from ibis.expr.types import BooleanValue, Column, Table

from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.columns import CheckedColumn

HOUR = 3600


@dataclass(frozen=True)
class Night:
    """The times that a night reads by, in unix seconds.

    since, after, window are None unless an event log is read on from an earlier snapshot. since: that snapshot's
    as-of. after: the time after which events count; it lies before `since` by the late window. window: what is asked of
    the source.
    """

    as_of: int
    since: int | None
    after: int | None
    window: Window | None

    @classmethod
    def of(cls, params: SnapshotParams, as_of: datetime, since: datetime | None) -> Night:
        """Return the times of the night `as_of`; since: the as-of of the last snapshot, where there is one."""
        until = int(as_of.timestamp())
        if since is None or params.kind != "event_log" or params.time_column is None:
            return cls(until, None, None, None)
        watermark = int(since.timestamp())
        after = watermark - int(params.late_window_hours * HOUR)
        # Where the age is judged, the window reaches back to the oldest event that is young enough.
        oldest = until - int((params.max_source_age_hours or 0) * HOUR)
        return cls(until, watermark, after, Window(min(after, oldest - 1), until))

    @property
    def scope(self) -> str:
        """What was asked of the source, for the digest of what it gave."""
        return "whole" if self.window is None else f"after {self.after} until {self.as_of}"


@dataclass(frozen=True)
class Window:
    """The events wanted of a log: after < time <= until, in unix seconds."""

    after: int
    until: int

    def of(self, table: Table, column: CheckedColumn) -> Table:
        """Return the rows within, and those whose time cannot be read, so that they can be refused.

        Whole seconds and timestamps are compared as they are stored. So DuckDB skips the parts of a Parquet file that
        lie outside. It skips rows without a time as well: `has_no_time` looks for them.
        """
        raw = table[column.name]
        kind = raw.type()
        if kind.is_integer():
            return table.filter(self._holds(raw))
        if kind.is_timestamp():
            zone = UTC if kind.timezone else None
            first, end = (datetime.fromtimestamp(second + 1, UTC) for second in (self.after, self.until))
            bounds = [ibis.literal(bound.replace(tzinfo=zone), type=kind) for bound in (first, end)]
            return table.filter((raw >= bounds[0]) & (raw < bounds[1]))
        seconds = column.parse(raw)
        return table.filter(seconds.isnull() | self._holds(seconds))

    def has_no_time(self, table: Table, column: CheckedColumn) -> bool:
        """Return whether a row has no time; cheap, as a Parquet file counts the missing values of its parts."""
        raw = table[column.name]
        return bool(table.filter(raw.isnull()).limit(1).count().to_pyarrow().as_py())

    def _holds(self, seconds: Column) -> BooleanValue:
        return (seconds > self.after) & (seconds <= self.until)

    def postgres_condition(self, column: str, kind: pa.DataType) -> str | None:
        """Return the filter for a PostgreSQL column of this type, or None if times are text.

        column: quoted as an identifier.
        """
        if pa.types.is_timestamp(kind):
            word = "TIMESTAMPTZ" if kind.tz else "TIMESTAMP"
            first, end = (
                f"{word} '{datetime.fromtimestamp(second + 1, UTC):%Y-%m-%d %H:%M:%S}{'+00' if kind.tz else ''}'"
                for second in (self.after, self.until)
            )
        elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or isinstance(kind, pa.OpaqueType):
            first, end = str(self.after + 1), str(self.until + 1)
        else:
            return None
        return f"(({column} >= {first} AND {column} < {end}) OR {column} IS NULL)"

    def sqlite_condition(self, column: str) -> str:
        """Return the filter for a SQLite column; each of its values has its own type, and only numbers are compared."""
        within = f"{column} >= {self.after + 1} AND {column} < {self.until + 1}"
        return f"(typeof({column}) NOT IN ('integer', 'real') OR ({within}))"
