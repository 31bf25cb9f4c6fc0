"""A delivered CSV file as a table of text; nothing of its shape is guessed but the delimiter, from the header."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from pathlib import Path

from ibis.backends.duckdb import Backend
from ibis.expr.types import Table

from pipeline.errors import InvalidInput

DELIMITERS = (",", ";", "\t", "|")
HEADER_BYTES = 1 << 20


def open_csv(connection: Backend, path: Path, name: str) -> Table:
    """Return the file as a lazy table, every column text; a row of another width fails when it is read.

    Raises:
        InvalidInput: the header cannot be read.
    """
    header = _header(path, name)
    delimiter = max(DELIMITERS, key=lambda candidate: len(_fields(header, candidate)))
    # DuckDB's own sniffing takes a broken row for another dialect, and skips the rows before it.
    return connection.read_csv(
        path,
        columns=dict.fromkeys(_distinct(_fields(header, delimiter)), "VARCHAR"),
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


def _header(path: Path, name: str) -> str:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            line = re.split(rb"[\r\n]", file.readline(HEADER_BYTES))[0]
        header = line.decode("utf-8-sig")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidInput(f"{name} cannot be read: {error}. Deliver a whole gzip file, or drop .gz.") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name}, line 1 is not UTF-8: {error}. Deliver the file encoded as UTF-8.") from error
    if not header.strip():
        raise InvalidInput(f"{name}, line 1 is blank ({header!r}). Deliver the file with its header in the first line.")
    return header


def _fields(header: str, delimiter: str) -> list[str]:
    return next(csv.reader([header], delimiter=delimiter))


def _distinct(fields: list[str]) -> list[str]:
    """Return a name for each column; to DuckDB, names that differ in case alone are one."""
    names: list[str] = []
    for position, field in enumerate(fields):
        name = field or f"column{position}"
        while name.lower() in {known.lower() for known in names}:
            name = f"{name}_{position}"
        names.append(name)
    return names
