"""Parquet files as one lazy table: what stands in the files, and nothing that their paths say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ibis.backends.duckdb import Backend
from ibis.expr import datatypes
from ibis.expr.types import Table

ZONED_NANOSECONDS = "TIMESTAMPTZ_NS"  # as pandas writes datetime64[ns, UTC]; Ibis has no name for it


def open_parquet(connection: Backend, paths: Path | Sequence[Path]) -> Table:
    """Return the files as a lazy table; nanoseconds with a zone come as nanoseconds in UTC."""
    # Folders such as source=9 in a path would otherwise take the place of the column that the file holds.
    table = connection.read_parquet(paths, hive_partitioning=False)
    zoned = [name for name, kind in table.schema().items() if kind.is_unknown() and ZONED_NANOSECONDS in str(kind)]
    # The cost: no part of a file is skipped by such a column, as DuckDB compares it only after the cast.
    return table.mutate(**{name: table[name].cast(datatypes.Timestamp(scale=9)) for name in zoned})
