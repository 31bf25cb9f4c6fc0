"""The formats that a source may deliver, CSV, JSON lines and Parquet, each opened as a lazy table on DuckDB.

CSV comes as text, so that a wrong value can be shown as it stands in the file; JSON and Parquet bring types.
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Sequence
from pathlib import Path

from ibis.backends.duckdb import Backend
from ibis.backends.sql.datatypes import DuckDBType
from ibis.expr import datatypes
from ibis.expr.types import Table

from pipeline.errors import InvalidInput

JSON_SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
SUFFIXES = (".parquet", ".csv", ".csv.gz", *JSON_SUFFIXES)

# A CSV file: the delimiter is the one that splits the header into most fields.
DELIMITERS = (",", ";", "\t", "|")
HEADER_BYTES = 1 << 20

# A Parquet file as pandas writes datetime64[ns, UTC]; Ibis has no name for the type.
ZONED_NANOSECONDS = "TIMESTAMPTZ_NS"


def is_typed(path: Path) -> bool:
    """Return whether a file's columns have types: those of CSV are all text."""
    return path.suffix == ".parquet" or path.name.endswith(JSON_SUFFIXES)


def open_file(connection: Backend, path: Path, name: str) -> Table:
    """Return a file as a lazy table, in the format that its suffix says; name: what messages call it.

    Raises:
        InvalidInput: the file is empty, or its header cannot be read.
    """
    if path.stat().st_size == 0:
        raise InvalidInput(f"{name} is empty (0 bytes). Deliver the whole file and run again.")
    if path.suffix == ".parquet":
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
    """Return a CSV file as a lazy table, every column text; a row of another width fails when it is read.

    Raises:
        InvalidInput: the header cannot be read.
    """
    delimiter, names = csv_columns(path, name)
    # DuckDB's own sniffing would take a broken row for another dialect and skip the rows before it.
    return connection.read_csv(
        path,
        columns=dict.fromkeys(names, "VARCHAR"),
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


def csv_columns(path: Path, name: str) -> tuple[str, list[str]]:
    """Return the delimiter of a CSV file and the distinct names of its columns.

    Raises:
        InvalidInput: the header cannot be read.
    """
    header = _header(path, name)
    delimiter = max(DELIMITERS, key=lambda candidate: len(_fields(header, candidate)))
    return delimiter, _distinct(_fields(header, delimiter))


def _header(path: Path, name: str) -> str:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            begun = file.readline(HEADER_BYTES)
        line = re.split(rb"[\r\n]", begun)[0]
        if len(line) == HEADER_BYTES:
            raise InvalidInput(
                f"{name}, line 1 has more than {HEADER_BYTES:,} bytes, which is no header. Deliver the file with its "
                f"header in the first line, and with line ends."
            )
        header = line.decode("utf-8-sig")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidInput(f"{name} cannot be read: {error}. Deliver a whole gzip file, or drop .gz.") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name}, line 1 is not UTF-8: {error}. Deliver the file encoded as UTF-8.") from error
    if not header.strip():
        raise InvalidInput(f"{name}, line 1 is blank ({header!r}). Deliver the file with its header in the first line.")
    return header


def _fields(header: str, delimiter: str) -> list[str]:
    csv.field_size_limit(HEADER_BYTES)  # split at a wrong delimiter, the whole header is one field
    return next(csv.reader([header], delimiter=delimiter))


def _distinct(fields: list[str]) -> list[str]:
    """Return a distinct name for each column; DuckDB takes names that differ only in case for the same."""
    names: dict[str, str] = {}  # by what DuckDB compares
    for position, field in enumerate(fields):
        name = field or f"column{position}"
        while name.lower() in names:
            name = f"{name}_{position}"
        names[name.lower()] = name
    return list(names.values())
