"""A delivered file of JSON lines as a table: one object a line, its columns what any of the lines names."""

from __future__ import annotations

from pathlib import Path

from ibis.backends.duckdb import Backend
from ibis.backends.sql.datatypes import DuckDBType
from ibis.expr.types import Table


def open_json(connection: Backend, path: Path) -> Table:
    """Return the file as a lazy table: numbers as numbers, text as it stands, what is both as JSON, which is no id."""
    # The whole file says what its columns hold: a guess from its first lines fails in the last.
    found = connection.read_json(path, format="newline_delimited", sample_size=-1, hive_partitioning=False)
    columns = {
        name: "VARCHAR" if kind.is_temporal() or kind.is_uuid() else DuckDBType.to_string(kind)
        for name, kind in found.schema().items()
    }
    return connection.read_json(path, format="newline_delimited", columns=columns, hive_partitioning=False)
