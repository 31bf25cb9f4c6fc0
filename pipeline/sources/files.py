"""Delivered files: copied by fsspec and hashed on the way, then opened as one lazy table."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import fsspec  # type: ignore[import-untyped]  # it ships no types
from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]
from ibis.backends.duckdb import Backend
from ibis.expr.types import Table

from pipeline.errors import InvalidInput, OutsideTrouble
from pipeline.sources.formats import open_csv, open_json, open_parquet
from pipeline.sources.location import public, public_text
from pipeline.sources.table import Needed, SourceTable, require_columns

JSON_SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
SUFFIXES = (".parquet", ".csv", ".csv.gz", *JSON_SUFFIXES)
BLOCK_BYTES = 1 << 20


class NotFetched(OutsideTrouble):
    """A file did not come; reason: the kind of the client's error, whose text may show credentials."""

    def __init__(self, message: str, reason: type[Exception]) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class TakenFile:
    """One delivered file on this machine: its name at the source, where it can be read, its digest if it has one."""

    name: str
    path: Path
    sha256: str | None
    modified: datetime | None = None


@dataclass(frozen=True)
class TakenTable:
    """The files that make one table, under the name of their location; numbered: whether their rows have numbers.

    decimals: columns of exact numbers that a database gave as text.
    """

    name: str
    files: tuple[TakenFile, ...]
    numbered: bool = True
    decimals: frozenset[str] = frozenset()

    @property
    def sha256(self) -> str | None:
        """The digest of the bytes of all files, in the order of their names; None where not all were read."""
        digests = [file.sha256 for file in self.files if file.sha256 is not None]
        if len(digests) < len(self.files):
            return None
        return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()

    @property
    def modified(self) -> datetime | None:
        """When the newest of the files was written, where the source knows."""
        return max((file.modified for file in self.files if file.modified), default=None)

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Turn what DuckDB says of the files, within the block, into a refusal that names them as the source does.

        Raises:
            InvalidInput: a file is broken.
            OutsideTrouble: memory or disk ran out.
        """
        try:
            yield
        except duckdb.OutOfMemoryException as error:
            raise OutsideTrouble(
                f"{self.name} could not be read for want of memory or disk: {self.reason(error)}. Give NCNC_HOME, "
                f"where large tables are sorted, more space, or run on a larger machine."
            ) from error
        except duckdb.Error as error:
            raise InvalidInput(
                f"{self._culprit(error)} cannot be read: {self.reason(error)}. Deliver a whole file of the format "
                f"that its suffix says; CSV in UTF-8, each row with as many fields as the header."
            ) from error

    def open(self, connection: Backend, needed: Needed, *, may_be_empty: bool = False) -> SourceTable:
        """Return the files as one table; CSV comes as text, so that a wrong value can be shown as it stands.

        needed: what every file must have; without, all columns of the first are taken.

        Raises:
            InvalidInput: a file is empty or lacks a column, or the files differ in a column's type.
        """
        files = [(file.name, self._decimals(_opened(connection, file))) for file in self.files]
        for name, table in files:
            require_columns(name, table.columns, needed)
        columns = sorted({column for _, column in needed} or files[0][1].columns)
        _require_same_types(files, columns)
        whole = self._whole(connection, [table.select(*columns) for _, table in files])
        if not may_be_empty and not whole.limit(1).count().to_pyarrow().as_py():
            raise InvalidInput(f"{self.name} is empty (a header, but no row). Deliver the whole file and run again.")
        typed = self.files[0].path.suffix == ".parquet" or self.files[0].path.name.endswith(JSON_SUFFIXES)
        return SourceTable(self.name, whole, typed, files if self.numbered else ())

    def _whole(self, connection: Backend, tables: Sequence[Table]) -> Table:
        """Return the files as one table; text is parsed once and kept as Parquet, as every pass would parse it anew."""
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
        """Return what DuckDB says of the file, line number included, without its advice on how to misread it."""
        said = str(error)
        for file in self.files:
            said = said.replace(str(file.path), file.name)
        said = re.split(r"\n\s*\n|\n\s*Possible", said)[0]
        return "; ".join(line.strip() for line in said.splitlines()).rstrip(".")


def take_files(location: str, target: Path, *, in_place: bool) -> TakenTable:
    """Copy what lies at a location, a file or all that a pattern with * names, and hash it on the way.

    The bytes that are hashed are the bytes that are read, also while the source is writing anew. in_place: leave
    Parquet files of this machine where they are, without a digest, for a caller that reads a part of them once.

    Raises:
        InvalidInput: the suffix says no format known here.
        NotFetched: nothing is there: the source did not deliver, or not yet.
    """
    suffix = next((suffix for suffix in SUFFIXES if location.endswith(suffix)), None)
    if suffix is None:
        raise InvalidInput(
            f"The source file {public(location)} has no format known here. Deliver one of {', '.join(SUFFIXES)}."
        )
    try:
        found = _found(location)
        if not found:
            raise FileNotFoundError("no file has such a name")
        stay = in_place and suffix == ".parquet"
        return TakenTable(
            public(location),
            tuple(
                _take(system, path, public(name), target.with_name(f"{target.name}-{number:05}{suffix}"), stay=stay)
                for number, (system, path, name) in enumerate(found)
            ),
        )
    # Every fsspec backend raises what its client raises; whatever it is, the file did not come.
    except Exception as error:
        reason = f"{type(error).__name__}: {public_text(str(error), location)}"
        raise NotFetched(
            f"The source did not deliver {public(location)} ({reason}). Ask the owner of the export, or "
            f"correct NCNC_SOURCE_EDGES and NCNC_SOURCE_NODES; the run tries again by itself.",
            type(error),
        ) from None  # what the client says, credentials and all, is not to come along in a traceback


def _found(location: str) -> list[tuple[fsspec.AbstractFileSystem, str, str]]:
    """Return each file's file system, its path there, and its name; a pattern's files in the order of their names."""
    system, path = fsspec.core.url_to_fs(location)
    if "*" not in location:
        return [(system, path, location)]
    local = isinstance(system, LocalFileSystem)
    return [(system, one, one if local else system.unstrip_protocol(one)) for one in sorted(system.glob(path))]


def _take(system: fsspec.AbstractFileSystem, path: str, name: str, copy: Path, *, stay: bool) -> TakenFile:
    modified = _modified(system, path)
    if stay and isinstance(system, LocalFileSystem):
        with system.open(path, "rb"):  # it is there, and may be read
            return TakenFile(name, Path(path), None, modified)
    digest = hashlib.sha256()
    with system.open(path, "rb") as source, copy.open("wb") as target:
        while block := source.read(BLOCK_BYTES):
            digest.update(block)
            target.write(block)
    return TakenFile(name, copy, digest.hexdigest(), modified)


def _modified(system: fsspec.AbstractFileSystem, path: str) -> datetime | None:
    """Return when a file was written; not every store knows, and each that does not says so in its own way."""
    try:
        modified = system.modified(path)
    except Exception:
        return None
    if not isinstance(modified, datetime):
        return None
    return modified if modified.tzinfo else modified.replace(tzinfo=UTC)


def _opened(connection: Backend, file: TakenFile) -> Table:
    if file.path.stat().st_size == 0:
        raise InvalidInput(f"{file.name} is empty (0 bytes). Deliver the whole file and run again.")
    if file.path.suffix == ".parquet":
        return open_parquet(connection, file.path)
    if file.path.name.endswith(JSON_SUFFIXES):
        return open_json(connection, file.path)
    return open_csv(connection, file.path, file.name)


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
