"""The formats that a source may deliver: text, JSON lines and Parquet, each opened as a lazy table on DuckDB.

Text comes untyped, so that a wrong value can be shown as it stands in the file; JSON and Parquet bring types.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends.duckdb import Backend
from ibis.backends.sql.datatypes import DuckDBType
from ibis.expr import datatypes
from ibis.expr.types import Table

from pipeline.errors import InvalidInput
from pipeline.sources.plain_csv import write_plain_csv
from pipeline.sources.text_layout import expect_distinct, layout_of

JSON_SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
TEXTS, PACKED = (".csv", ".tsv", ".txt", ".edges", ".mtx"), ("", ".gz", ".bz2", ".zst")
SUFFIXES = (".parquet", *JSON_SUFFIXES, *(text + packed for text in TEXTS for packed in PACKED))

# A Parquet file as pandas writes datetime64[ns, UTC]; Ibis has no name for the type.
ZONED_NANOSECONDS = "TIMESTAMPTZ_NS"


def is_typed(path: Path) -> bool:
    """Return whether a file's columns have types: those of a text file are all text."""
    return path.suffix == ".parquet" or path.name.endswith(JSON_SUFFIXES)


def open_file(connection: Backend, path: Path, name: str) -> Table:
    """Return a file as a lazy table, in the format that its suffix says; name: what messages call it.

    Raises:
        InvalidInput: the file is empty, its header cannot be read, or two columns have one name.
    """
    if path.stat().st_size == 0:
        raise InvalidInput(f"{name} is empty (0 bytes). Deliver the whole file and run again.")
    if path.suffix == ".parquet":
        with suppress(pa.ArrowInvalid):  # it is broken: DuckDB says in which way when it is read
            # DuckDB would give the second one another name, and the first would be taken without a word.
            expect_distinct(pq.read_schema(path).names, name)
        return open_parquet(connection, path)
    return open_json(connection, path) if is_typed(path) else open_csv(connection, path, name)


def open_parquet(connection: Backend, paths: Path | Sequence[Path]) -> Table:
    """Return Parquet files as a lazy table; nanoseconds with a zone come as nanoseconds in UTC."""
    # A folder called source=9 in the path would otherwise replace the column source of the file.
    table = connection.read_parquet(paths, hive_partitioning=False)
    zoned = [name for name, kind in table.schema().items() if kind.is_unknown() and ZONED_NANOSECONDS in str(kind)]
    # The cost: DuckDB compares such a column only after the cast, so it cannot skip a part of the file by it.
    return table.mutate(**{name: table[name].cast(datatypes.Timestamp(scale=9)) for name in zoned})


def open_json(connection: Backend, path: Path) -> Table:
    """Return a JSON lines file as a lazy table; a column of both numbers and text has the type JSON."""
    # Types come from the whole file: a guess from the first lines could fail in the last.
    found = connection.read_json(path, format="newline_delimited", sample_size=-1, hive_partitioning=False)
    columns = {
        name: "VARCHAR" if kind.is_temporal() or kind.is_uuid() else DuckDBType.to_string(kind)
        for name, kind in found.schema().items()
    }
    return connection.read_json(path, format="newline_delimited", columns=columns, hive_partitioning=False)


def open_csv(connection: Backend, path: Path, name: str) -> Table:
    """Return a text file as a lazy table, every column text; a row of another width fails when it is read.

    Raises:
        InvalidInput: the layout of the file is not known, or its rows do not keep it.
    """
    layout = layout_of(path, name)
    delimiter = layout.delimiter
    if not layout.plain:
        written = path.with_name(f"{path.name}.csv")
        write_plain_csv(path, name, layout, written)
        path, delimiter = written, ","
    # DuckDB's own sniffing would take a broken row for another dialect and skip the rows before it.
    return connection.read_csv(
        path,
        columns=dict.fromkeys(_distinct(layout.columns), "VARCHAR"),
        auto_detect=False,
        header=True,
        delim=delimiter,
        quote='"',
        escape='"',
        comment="",
        strict_mode=True,
        null_padding=False,
        ignore_errors=False,
        hive_partitioning=False,
    )


def _distinct(fields: Sequence[str]) -> list[str]:
    """Return a distinct name for each column; DuckDB takes names that differ only in case for the same."""
    names: dict[str, str] = {}  # by what DuckDB compares
    for position, field in enumerate(fields):
        name = field or f"column{position}"
        while name.lower() in names:
            name = f"{name}_{position}"
        names[name.lower()] = name
    return list(names.values())
