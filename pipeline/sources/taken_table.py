"""A table that was brought to this machine: its files, opened as one table, and refusals of broken ones."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
from ibis.backends.duckdb import Backend
from ibis.expr.types import Table

from pipeline.errors import InvalidInput, OutsideTrouble
from pipeline.local_trouble import trouble_said
from pipeline.sources.formats import is_typed, open_file, open_parquet
from pipeline.sources.table import Needed, SourceTable, require_columns
from pipeline.sources.text_layout import PLACED, layout_of


@dataclass(frozen=True)
class TakenFile:
    """One delivered file: its name at the source, where it can be read here, and its sha256 if all of it was read."""

    name: str
    path: Path
    sha256: str | None
    modified: datetime | None = None


@dataclass(frozen=True)
class TakenTable:
    """The files that make one table, under the name of their location.

    numbered: whether their rows have numbers: those of a database have none. decimals: numeric columns that a database
    gave as text.
    """

    name: str
    files: tuple[TakenFile, ...]
    numbered: bool = True
    decimals: frozenset[str] = frozenset()

    @property
    def sha256(self) -> str | None:
        """The digest of the bytes of all files, in the order of their names; None if not all bytes were read."""
        digests = [file.sha256 for file in self.files if file.sha256 is not None]
        if len(digests) < len(self.files):
            return None
        return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()

    @property
    def modified(self) -> datetime | None:
        """When the newest of the files was written; None if the source does not say."""
        return max((file.modified for file in self.files if file.modified), default=None)

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Turn an error of DuckDB within the block into a refusal that names the file as the source does.

        Raises:
            InvalidInput: a file is broken.
            OutsideTrouble: memory or disk ran out.
        """
        try:
            yield
        except duckdb.OutOfMemoryException as error:
            raise OutsideTrouble(
                f"{self.name} could not be read: memory or disk ran out: {self.reason(error)}. Give NCNC_HOME, "
                f"where large tables are sorted, more space, or run on a larger machine."
            ) from error
        except duckdb.Error as error:
            if trouble := trouble_said(self.reason(error)):
                raise trouble from error
            raise InvalidInput(
                f"{self._culprit(error)} cannot be read: {self.reason(error)}. Deliver a whole file in the format that "
                f"its suffix names; CSV in UTF-8, each row with as many fields as the header."
            ) from error

    def open(self, connection: Backend, needed: Needed, *, may_be_empty: bool = False) -> SourceTable:
        """Return the files as one table; CSV comes as text, so that a wrong value can be shown as it stands.

        needed: the columns that every file must have; if empty, all columns of the first file are taken.

        Raises:
            InvalidInput: a file is empty or lacks a column, or the files differ in a column's type.
        """
        files = [(file.name, self._decimals(open_file(connection, file.path, file.name))) for file in self.files]
        for file, (name, table) in zip(self.files, files, strict=True):
            require_columns(name, table.columns, needed, typed=is_typed(file.path))
        _require_headers_alike(self.files)
        columns = sorted({column for _, column in needed} or files[0][1].columns)
        _require_same_types(files, columns)
        whole = self._whole(connection, [table.select(*columns) for _, table in files])
        if not may_be_empty and not whole.limit(1).count().to_pyarrow().as_py():
            raise InvalidInput(f"{self.name} is empty (a header, but no row). Deliver the whole file and run again.")
        return SourceTable(self.name, whole, is_typed(self.files[0].path), files if self.numbered else ())

    def _whole(self, connection: Backend, tables: Sequence[Table]) -> Table:
        """Return the files as one table; text is parsed once and kept as Parquet, so that no pass parses it again."""
        paths = [file.path for file in self.files]
        if paths[0].suffix != ".parquet":
            paths = [path.with_name(f"{path.name}.parquet") for path in paths]
            for table, path in zip(tables, paths, strict=True):
                connection.to_parquet(table, path)
        return tables[0] if paths == [self.files[0].path] else open_parquet(connection, paths).select(tables[0].columns)

    def _decimals(self, table: Table) -> Table:
        return table.mutate(**{name: table[name].try_cast("decimal(38, 9)") for name in sorted(self.decimals)})

    def _culprit(self, error: duckdb.Error) -> str:
        return next((file.name for file in self.files if str(file.path) in str(error)), self.name)

    def reason(self, error: duckdb.Error) -> str:
        """Return DuckDB's message about a file, with the line number, without its advice to ignore errors."""
        said = str(error)
        for file in self.files:
            said = said.replace(str(file.path), file.name)
        said = re.split(r"\n\s*\n|\n\s*Possible", said)[0]
        return "; ".join(line.strip() for line in said.splitlines()).rstrip(".")


def _require_headers_alike(files: Sequence[TakenFile]) -> None:
    """Refuse parts whose columns are named by their places beside one whose header has other names there."""
    if len(files) < 2 or is_typed(files[0].path):
        return
    layouts = [(file.name, layout_of(file.path, file.name)) for file in files]
    placed = next((name for name, layout in layouts if not layout.has_header and layout.columns[:2] == PLACED), None)
    named = next(((name, layout.columns) for name, layout in layouts if layout.columns[:2] != PLACED), None)
    if placed is not None and named is not None and len(named[1]) > 1:
        raise InvalidInput(
            f"{placed} has no header, but {named[0]} has one that does not begin with source and target: "
            f"{', '.join(named[1])}. Give every part of one table the same header."
        )


def _require_same_types(files: Sequence[tuple[str, Table]], columns: Sequence[str]) -> None:
    first_name, first = files[0]
    for name, table in files[1:]:
        require_columns(name, table.columns, [("edge_query", column) for column in columns])
        for column in columns:
            kind, wanted = (str(one[column].type().copy(nullable=True)) for one in (table, first))
            if kind != wanted:
                raise InvalidInput(
                    f"{name} holds column {column!r} as {kind}, but {first_name} as {wanted}. Deliver all files of one "
                    f"table with the same types."
                )
