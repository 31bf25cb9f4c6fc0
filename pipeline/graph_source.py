"""The door to the source: an edge table and perhaps a node table, read through Ibis on embedded DuckDB."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import fsspec  # type: ignore[import-untyped]  # it ships no types
import ibis
import numpy as np
import pandas as pd
from ibis.backends.duckdb import Backend
from numpy.typing import NDArray

from pipeline.csv_table import open_csv
from pipeline.delivery import Delivery, Ids, NodeTable, RowCounts
from pipeline.errors import InvalidInput, OutsideTrouble
from pipeline.git_origin import CREDENTIALS
from pipeline.params import SnapshotParams
from pipeline.published_snapshot import stamp
from pipeline.source_columns import SourceTable

SUFFIXES = (".parquet", ".csv", ".csv.gz")
BLOCK_BYTES = 1 << 20
SIGNATURE = re.compile(r"(://[^\s?]*)\?[^\s'\")]+")  # what a presigned URL carries after its path


@dataclass(frozen=True)
class GraphSource:
    """Where a graph's deliveries lie; {date} and {as_of} in a location stand for the night."""

    edges: str
    nodes: str | None
    params: SnapshotParams
    scratch: Path

    def read(self, as_of: datetime) -> Delivery:
        """Read what was delivered for a night.

        Raises:
            OutsideTrouble: a file is not there: the source did not deliver, or not yet.
            InvalidInput: a file is empty, lacks a column, or holds a value that is no id, time or feature; or features
                are asked for without a node table.
        """
        if self.params.feature_columns and not self.nodes:
            raise InvalidInput(
                f"snapshot.feature_columns is {', '.join(self.params.feature_columns)}, but no node table is given to "
                f"hold them. Set NCNC_SOURCE_NODES (ncnc trial: --nodes), or set snapshot.feature_columns: []."
            )
        self.scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="source-", dir=self.scratch) as folder:
            # The bytes that are hashed are the bytes that are read, also while the source is writing anew.
            edges = _take(fill(self.edges, as_of), Path(folder) / "edges")
            nodes = _take(fill(self.nodes, as_of), Path(folder) / "nodes") if self.nodes else None
            connection = ibis.duckdb.connect(temp_directory=folder)
            try:
                return self._deliver(connection, edges, nodes, int(as_of.timestamp()))
            finally:
                connection.disconnect()

    def _deliver(self, connection: Backend, edges: _Taken, nodes: _Taken | None, as_of: int) -> Delivery:
        params = self.params
        time = None
        with edges.open(connection) as table:
            table.require({"source_column": params.source_column, "target_column": params.target_column})
            text = table.ids_are_text(params.source_column, params.target_column)
            source = table.ids(params.source_column, text=text)
            target = table.ids(params.target_column, text=text)
            if params.time_column is not None:
                table.require({"time_column": params.time_column})
                time = table.times(params.time_column)
        keep = self._until(time, len(source), as_of, edges.name)
        node_table = None
        if nodes:
            with nodes.open(connection) as table:
                node_table = self._nodes(table, text=text)
        rows = np.flatnonzero(keep)
        low, high, codes = _coded(source[rows], target[rows])
        pairs, first = _distinct_pairs(low, high, len(codes), None if time is None else time[rows])
        return Delivery(
            edges_file=edges.name,
            nodes_file=nodes.name if nodes else None,
            sha256=hashlib.sha256((edges.sha256 + (nodes.sha256 if nodes else "")).encode()).hexdigest(),
            ids=codes,
            low=pairs[0],
            high=pairs[1],
            time=None if time is None else time[rows][first],
            rows=_row_counts(rows, source, target, low, high, later=int((~keep).sum())),
            nodes=node_table,
            newest=None if time is None else int(time[rows].max()),
        )

    def _until(self, time: NDArray[np.int64] | None, rows: int, as_of: int, name: str) -> NDArray[np.bool_]:
        """Return which rows had happened at the as-of: in a dump all must have, in a log later ones wait."""
        if time is None:
            return np.ones(rows, dtype=np.bool_)
        happened = time <= as_of
        late = np.flatnonzero(~happened)
        if self.params.kind == "full_dump" and len(late):
            raise InvalidInput(
                f"{name}, row {late[0] + 1}: {self.params.time_column} is {time[late[0]]}, after the as-of {as_of} "
                f"({len(late)} such rows). A full dump holds what had happened by then: check the source's clock and "
                f"the date of the file, or set snapshot.kind: event_log in params.yaml."
            )
        if len(late) == rows:
            raise InvalidInput(
                f"{name} holds {rows} events, all after the as-of {as_of}. Pass a later as-of, or check that "
                f"{self.params.time_column} is in seconds."
            )
        return happened

    def _nodes(self, table: SourceTable, *, text: bool) -> NodeTable:
        column, features = self.params.node_column, self.params.feature_columns
        table.require({"node_column": column})
        for feature in features:
            table.require({"feature_columns": feature})
        if table.typed and table.ids_are_text(column) != text:
            raise InvalidInput(
                f"{table.name} holds {'integers' if text else 'strings'} in {column!r}, but the edge table's ids are "
                f"{'strings' if text else 'integers'}. Make both int64, or both strings."
            )
        ids = table.ids(column, text=text)
        again = np.flatnonzero(pd.Index(ids).duplicated())
        if len(again):
            raise InvalidInput(
                f"{table.name}, row {again[0] + 1}: node {ids[again[0]]!s} is there already "
                f"({len(again)} such rows). A node has one row: leave out the others."
            )
        return NodeTable(ids, table.features(features) if features else None, columns=features)


def _coded(source: Ids, target: Ids) -> tuple[NDArray[np.int64], NDArray[np.int64], Ids]:
    """Return the rows as codes into their sorted unique ids, low <= high whatever direction they came in."""
    codes, ids = pd.factorize(np.concatenate([source, target]), sort=True)
    ends = np.stack([codes[: len(source)], codes[len(source) :]]).astype(np.int64)
    return ends.min(axis=0), ends.max(axis=0), np.asarray(ids)


def _distinct_pairs(
    low: NDArray[np.int64], high: NDArray[np.int64], num_ids: int, time: NDArray[np.int64] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each pair once, self-loops dropped, [2, e], and the row of each: of several times the earliest."""
    rows = np.flatnonzero(low != high)
    if time is not None:
        rows = rows[np.argsort(time[rows], kind="stable")]
    _, first = np.unique(low[rows] * np.int64(num_ids) + high[rows], return_index=True)
    return np.stack([low[rows[first]], high[rows[first]]]), rows[first]


def _row_counts(
    rows: NDArray[np.int64], source: Ids, target: Ids, low: NDArray[np.int64], high: NDArray[np.int64], *, later: int
) -> RowCounts:
    def where(found: NDArray[np.int64]) -> str:
        if not len(found):
            return ""
        row = rows[found[0]]
        return f"row {row + 1}, {source[row]!s} - {target[row]!s}"

    loops = np.flatnonzero(low == high)
    again = np.flatnonzero(pd.MultiIndex.from_arrays([low, high]).duplicated() & (low != high))
    return RowCounts(
        read=len(source),
        self_loops=len(loops),
        repeated=len(again),
        later=later,
        first_self_loop=where(loops),
        first_repeated=where(again),
    )


@dataclass(frozen=True)
class _Taken:
    """A delivered file, copied to this machine: its name at the source, its copy, and its digest."""

    name: str
    path: Path
    sha256: str

    @contextmanager
    def open(self, connection: Backend) -> Iterator[SourceTable]:
        """Give the file as a table; CSV comes as text, so that a wrong value can be shown as it stands."""
        try:
            yield self._table(connection)
        except duckdb.Error as error:
            raise InvalidInput(
                f"{self.name} cannot be read: {self._reason(error)}. Deliver a whole file of the format that its "
                f"suffix says; CSV in UTF-8, each row with as many fields as the header."
            ) from error

    def _reason(self, error: duckdb.Error) -> str:
        """Return what DuckDB says of the file, line number included, without its advice on how to misread it."""
        said = re.split(r"\n\s*\n|\n\s*Possible", str(error).replace(str(self.path), self.name))[0]
        return "; ".join(line.strip() for line in said.splitlines()).rstrip(".")

    def _table(self, connection: Backend) -> SourceTable:
        if self.path.stat().st_size == 0:
            raise InvalidInput(f"{self.name} is empty (0 bytes). Deliver the whole file and run again.")
        typed = self.path.suffix == ".parquet"
        table = connection.read_parquet(self.path) if typed else open_csv(connection, self.path, self.name)
        if not table.count().to_pyarrow().as_py():
            raise InvalidInput(f"{self.name} is empty (a header, but no row). Deliver the whole file and run again.")
        return SourceTable(self.name, table, typed)


def fill(location: str, as_of: datetime) -> str:
    """Put the night into a location: {date} becomes YYYY-MM-DD, {as_of} becomes YYYYMMDDTHHMMSSZ.

    Raises:
        InvalidInput: the location has another field in braces.
    """
    utc = as_of.astimezone(UTC)
    filled = location.replace("{date}", f"{utc:%Y-%m-%d}").replace("{as_of}", stamp(utc))
    unknown = re.search(r"\{[^}]*\}", filled)
    if unknown:
        raise InvalidInput(
            f"The source location {_public(location)} has the field {unknown[0]}. Use {{date}} or {{as_of}}."
        )
    return filled


def _public(text: str) -> str:
    """Return a text for a message or a record, the credentials in its URLs left out."""
    return SIGNATURE.sub(r"\1?...", CREDENTIALS.sub("://", text))


def _take(location: str, folder: Path) -> _Taken:
    suffix = next((suffix for suffix in SUFFIXES if location.endswith(suffix)), None)
    if suffix is None:
        raise InvalidInput(
            f"The source file {_public(location)} has no format known here. Deliver one of {', '.join(SUFFIXES)}."
        )
    copy = folder.with_name(f"{folder.name}{suffix}")
    digest = hashlib.sha256()
    try:
        with fsspec.open(location, "rb") as source, copy.open("wb") as target:
            while block := source.read(BLOCK_BYTES):
                digest.update(block)
                target.write(block)
    # Every fsspec backend raises what its client raises; whatever it is, the file did not come.
    except Exception as error:
        reason = f"{type(error).__name__}: {_public(str(error))}"
        raise OutsideTrouble(
            f"The source did not deliver {_public(location)} ({reason}). Ask the owner of the export, or "
            f"correct NCNC_SOURCE_EDGES and NCNC_SOURCE_NODES; the run tries again by itself."
        ) from error
    return _Taken(name=_public(location), path=copy, sha256=digest.hexdigest())
