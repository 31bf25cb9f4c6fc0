"""Tables of PostgreSQL and SQLite, read through ADBC into a Parquet file.

Rows come in Arrow batches, so memory does not grow with the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

import adbc_driver_postgresql.dbapi
import adbc_driver_sqlite.dbapi
import pyarrow as pa
import pyarrow.parquet as pq
from adbc_driver_manager import DataError, Error, NotSupportedError, ProgrammingError
from adbc_driver_manager.dbapi import Connection

from pipeline.credentials import public, public_text
from pipeline.errors import InvalidInput, NotDelivered, OutsideTrouble
from pipeline.sources.location import SQLITE
from pipeline.sources.table import Needed, require_columns
from pipeline.sources.taken_table import TakenFile, TakenTable
from pipeline.sources.window import Window

# SQL states that a retry does not mend: the data, the query or the rights are wrong, or the query writes.
WRONG_STATES = ("0A", "22", "25", "42")
SQLSTATE = re.compile(r"SQLSTATE: (\w{5})")
NO_SUCH_TABLE = re.compile(r"SQLSTATE: 42P01|no such table")

# A server that answers and lets nobody in; one that starts or stops says FATAL too, and lets you in later.
TURNED_AWAY = re.compile(r"FATAL: +(?!the database system is)")


@dataclass(frozen=True)
class Wanted:
    """What to read from a database: a table or a query, the columns that params.yaml names, and perhaps a window.

    window: the column of times, and the times that are wanted. dated: whether the table's name or the query names the
    night, so that what is not there yet may still come.
    """

    table: str | None
    query: str | None
    columns: Needed
    window: tuple[str, Window] | None = None
    dated: bool = False

    @property
    def source(self) -> str:
        """The text after FROM; each part of a table's name is quoted, which keeps its case and special characters."""
        if self.query is not None:
            return f"({self.query}\n) AS delivered"
        return ".".join(_quoted(part) for part in str(self.table).split("."))


@dataclass(frozen=True)
class SourceDatabase:
    """An open database, in one read-only transaction: everything is read as of the same moment."""

    url: str
    connection: Connection

    def take(self, name: str, wanted: Wanted, path: Path) -> TakenTable:
        """Read what is wanted into a Parquet file.

        Raises:
            OutsideTrouble: the database stopped answering.
            NotDelivered: a table or query that names the night finds no such table, or no row.
            InvalidInput: there is no such table or column, or the query is wrong.
        """
        with _asking(self.url, name, dated=wanted.dated), self.connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {wanted.source} LIMIT 0")  # noqa: S608 - quoted, or the owner's own query
            schema = cursor.fetch_arrow_table().schema
        require_columns(name, schema.names, wanted.columns)
        columns = ", ".join(_quoted(column) for column in sorted({column for _, column in wanted.columns}))
        condition = self._condition(schema, wanted)
        with _asking(self.url, name), self.connection.cursor() as cursor:
            cursor.execute(f"SELECT {columns} FROM {wanted.source}{condition}")  # noqa: S608
            rows, decimals = _write(cursor.fetch_record_batch(), path)
        if wanted.dated and not rows and wanted.window is None:
            raise NotDelivered(
                f"The source did not deliver {name}: it has no row for the night yet. Ask the owner of the export, or "
                f"correct NCNC_SOURCE_EDGES, NCNC_SOURCE_NODES and the queries of params.yaml; the night waits for it."
            )
        return TakenTable(name, (TakenFile(name, path, None),), numbered=False, decimals=decimals)

    def _condition(self, schema: pa.Schema, wanted: Wanted) -> str:
        if wanted.window is None:
            return ""
        column, window = wanted.window
        if self.url.startswith(SQLITE):
            return f" WHERE {window.sqlite_condition(_quoted(column))}"
        condition = window.postgres_condition(_quoted(column), schema.field(column).type)
        return f" WHERE {condition}" if condition else ""


@contextmanager
def open_database(url: str) -> Iterator[SourceDatabase]:
    """Open the database at a URL for one read-only transaction.

    Raises:
        NotDelivered: it does not answer.
        OutsideTrouble: it does not let this process in.
    """
    name = public(url)
    try:
        connection = _connect(url)
    except Error as error:
        turned_away = TURNED_AWAY.search(str(error))
        answer, failed = ("let us in", OutsideTrouble) if turned_away else ("answer", NotDelivered)
        raise failed(
            f"The source database {name} does not {answer} ({_said(error, url)}). Start it, or correct "
            f"NCNC_SOURCE_EDGES and NCNC_SOURCE_NODES (a password may be in PGPASSWORD); the run tries again by itself."
        ) from None
    with connection:
        yield SourceDatabase(url, connection)


def _connect(url: str) -> Connection:
    if url.startswith(SQLITE):
        path = unquote(url.removeprefix(SQLITE))
        if not Path(path).is_file():
            raise NotDelivered(
                f"The source did not deliver {url}: there is no file {path}. Ask the owner of the export, or correct "
                f"NCNC_SOURCE_EDGES and NCNC_SOURCE_NODES: sqlite:///relative.db, or sqlite:////whole/path.db."
            )
        opened: Connection = adbc_driver_sqlite.dbapi.connect(f"file:{quote(path)}?mode=ro")
        return opened
    connection: Connection = adbc_driver_postgresql.dbapi.connect(url)
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    return connection


@contextmanager
def _asking(url: str, name: str, *, dated: bool = False) -> Iterator[None]:
    """Turn a driver's error into a refusal if the query is wrong, else into trouble that is retried.

    dated: a table that is not there may still come.
    """
    try:
        yield
    except (Error, OSError, pa.ArrowException) as error:
        said = _said(error, url)
        if dated and NO_SUCH_TABLE.search(str(error)):
            raise NotDelivered(
                f"The source did not deliver {name}: {said}. Ask the owner of the export, or correct "
                f"NCNC_SOURCE_EDGES, NCNC_SOURCE_NODES and the queries of params.yaml; the night waits for it."
            ) from None
        state = SQLSTATE.search(str(error))
        wrong = isinstance(error, ProgrammingError | DataError | NotSupportedError | pa.ArrowException)
        mismatch = "Type mismatch" in said or "readonly" in said
        if wrong or mismatch or (state and state[1].startswith(WRONG_STATES)):
            raise InvalidInput(
                f"{name} cannot be read: {said}. Correct the table behind # in the location (url#schema.table), or "
                f"snapshot.edge_query and snapshot.node_query: one SELECT, whose every column has one type."
            ) from None
        raise OutsideTrouble(
            f"{name} could not be read to its end: {said}. Check that the database runs; the run tries again by itself."
        ) from None


def _said(error: BaseException, url: str) -> str:
    """Return the driver's message in one line, without the query and without credentials."""
    text = re.split(r"\n+\s*(?:query|Query was): ", str(error))[0]
    said = "; ".join(line.strip() for line in text.splitlines() if line.strip())
    return public_text(said, url).rstrip(".")


def _write(batches: pa.RecordBatchReader, path: Path) -> tuple[int, frozenset[str]]:
    """Write the batches to a Parquet file; return how many rows, and the names of the numeric columns, as text."""
    rows = 0
    decimals = {field.name for field in batches.schema if isinstance(field.type, pa.OpaqueType)}
    kinds = [pa.string() if field.name in decimals else field.type for field in batches.schema]
    schema = pa.schema([pa.field(field.name, kind) for field, kind in zip(batches.schema, kinds, strict=True)])
    with pq.ParquetWriter(path, schema) as writer:
        for batch in batches:
            rows += batch.num_rows
            columns = [
                column.storage if isinstance(column, pa.ExtensionArray) and name in decimals else column
                for name, column in zip(schema.names, batch.columns, strict=True)
            ]
            writer.write_batch(pa.record_batch(columns, schema=schema))
    return rows, frozenset(decimals)


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
