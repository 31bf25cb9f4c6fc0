"""The door to the source: an edge table and perhaps a node table, read through Ibis on embedded DuckDB."""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from ibis.backends.duckdb import Backend
from ibis.expr.types import Table
from numpy.typing import NDArray

from pipeline.errors import InvalidInput, OutsideTrouble
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources import nodes as source_nodes
from pipeline.sources.delivery import Delivery, Ids, NodeTable, digest_of_edges, digest_of_nodes
from pipeline.sources.edges import EdgeCounts, EdgeRows, row_counts
from pipeline.sources.engine import duckdb_pairs, open_engine
from pipeline.sources.files import TakenTable
from pipeline.sources.location import fill
from pipeline.sources.spark import spark_pairs
from pipeline.sources.taking import Taking
from pipeline.sources.window import Window

HOUR = 3600


@dataclass(frozen=True)
class GraphSource:
    """Where a graph's deliveries lie; {date} and {as_of} in a location stand for the night."""

    edges: str
    nodes: str | None
    params: SnapshotParams
    scratch: Path

    def read(self, as_of: datetime, since: datetime | None = None) -> Delivery:
        """Read what was delivered for a night; of an event log with times, what is new since an earlier as-of.

        Events of the late window before `since` are read again, and their pairs delivered again. The digest is that
        of the delivered files' bytes; where they were not all read, as of a database and of a log's Parquet files on
        this machine, or hold no row, that of what was taken.

        Raises:
            OutsideTrouble: a file is not there, a database does not answer, or what it says is too old: the source
                did not deliver, or not yet.
            InvalidInput: a table is empty, lacks a column, or holds a value that is no id, time or feature; or features
                are asked for without a node table.
        """
        if self.params.feature_columns and not self.nodes:
            raise InvalidInput(
                f"snapshot.feature_columns is {', '.join(self.params.feature_columns)}, but no node table is given to "
                f"hold them. Set NCNC_SOURCE_NODES (ncnc try: --nodes), or set snapshot.feature_columns: []."
            )
        self.scratch.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="source-", dir=self.scratch)))
            taking = Taking(self.params, as_of, folder, stack)
            night = _Night.of(self.params, as_of, since)
            edges = taking.edges(fill(self.edges, as_of), night.window)
            nodes = taking.nodes(fill(self.nodes, as_of)) if self.nodes else None
            connection = stack.enter_context(open_engine(folder))
            return self._deliver(connection, edges, nodes, night, taking)

    def _deliver(
        self, connection: Backend, edges: TakenTable, nodes: TakenTable | None, night: _Night, taking: Taking
    ) -> Delivery:
        params = self.params
        with edges.refusing():
            table, kind = taking.open_edges(connection, edges, night.window)
        has_rows = kind is not None
        text = self._nodes_are_text(connection, nodes, taking) if kind is None else kind
        with edges.refusing():
            rows = EdgeRows.checked(table, params, text=text)
            counts = rows.counted(night.after, night.as_of, night.since)
            self._require_rows(rows, counts, night)
        if params.max_source_age_hours is not None:
            self._require_recent(edges, counts.newest, night, params.max_source_age_hours)
        node_table: NodeTable | None = None
        if nodes:
            with nodes.refusing():
                opened = taking.open_nodes(connection, nodes)
                node_table = source_nodes.read_nodes(opened, params, text=text, as_of=night.as_of)
        with edges.refusing():
            ids, pairs = self._pairs(connection, rows.kept(night.after, night.as_of), taking.folder, text=text)
            reciprocal = int(pairs.pop("reciprocal").sum()) if params.directed else 0
            outcome = row_counts(rows, counts, num_pairs=len(pairs["low"]), reciprocal=reciprocal)
        # Files without a row all have the same bytes: two quiet nights are not one delivery given twice.
        digest = edges.sha256 if has_rows else None
        if digest is None:
            digest = digest_of_edges(ids, list(pairs.values()), outcome, scope=night.scope)
        if params.edge_query and edges.numbered:
            digest = hashlib.sha256((digest + params.edge_query).encode()).hexdigest()
        node_digest = (nodes.sha256 or digest_of_nodes(node_table)) if nodes and node_table else ""
        return Delivery(
            edges_file=edges.name,
            nodes_file=nodes.name if nodes else None,
            sha256=hashlib.sha256((digest + node_digest).encode()).hexdigest(),
            ids=ids,
            low=pairs["low"],
            high=pairs["high"],
            time=pairs.get("time"),
            rows=outcome,
            nodes=node_table,
            newest=counts.newest,
            since=night.since,
            dated=fill(self.edges, taking.as_of) != self.edges,
        )

    def _nodes_are_text(self, connection: Backend, nodes: TakenTable | None, taking: Taking) -> bool:
        """Return whether ids are strings where no edge row says it: a quiet night of a log."""
        if nodes is None:
            return False
        with nodes.refusing():
            return bool(taking.open_nodes(connection, nodes).ids_are_text(self.params.node_column))

    def _pairs(
        self, connection: Backend, rows: Table, folder: Path, *, text: bool
    ) -> tuple[Ids, dict[str, NDArray[np.int64]]]:
        if self.params.engine == "duckdb":
            return duckdb_pairs(connection, rows, text=text, directed=self.params.directed)
        connection.to_parquet(rows, folder / "checked.parquet")
        return spark_pairs(folder / "checked.parquet", folder, text=text, directed=self.params.directed)

    def _require_rows(self, rows: EdgeRows, counts: EdgeCounts, night: _Night) -> None:
        """Refuse a table none of whose rows count, and a full dump's rows from after the as-of."""
        if self.params.kind == "full_dump" and counts.later:
            rows.refuse_later(counts.later, night.as_of)
        if counts.kept or night.since is not None:
            return
        name = rows.table.name
        if counts.later:
            raise InvalidInput(
                f"{name} holds {counts.later} events, all after the as-of {night.as_of}. Pass a later as-of, or check "
                f"that {self.params.time_column} is in seconds."
            )
        if counts.left_out:
            raise InvalidInput(
                f"{name} holds {counts.left_out} rows, all left out: none is of the weight and types asked for. Lower "
                f"snapshot.minimum_weight, or correct snapshot.edge_types in params.yaml."
            )

    def _require_recent(self, edges: TakenTable, newest: int | None, night: _Night, limit_hours: float) -> None:
        known, not_after = edges.modified, None
        if self.params.time_column is not None:
            known = None if newest is None else datetime.fromtimestamp(newest, UTC)
            not_after = None if night.window is None else datetime.fromtimestamp(night.window.after, UTC)
        as_of = datetime.fromtimestamp(night.as_of, UTC)
        require_recent(edges.name, as_of, limit_hours, newest=known, not_after=not_after)


@dataclass(frozen=True)
class _Night:
    """The times of a night in unix seconds; where a log is read on from `since`: events count after `after`."""

    as_of: int
    since: int | None
    after: int | None
    window: Window | None

    @classmethod
    def of(cls, params: SnapshotParams, as_of: datetime, since: datetime | None) -> _Night:
        until = int(as_of.timestamp())
        if since is None or params.kind != "event_log" or params.time_column is None:
            return cls(until, None, None, None)
        watermark = int(since.timestamp())
        after = watermark - int(params.late_window_hours * HOUR)
        # Where the age is judged, far enough back to find the newest event that is young enough.
        oldest = until - int((params.max_source_age_hours or 0) * HOUR)
        return cls(until, watermark, after, Window(min(after, oldest - 1), until))

    @property
    def scope(self) -> str:
        """What was asked of the source, for the digest of what it gave."""
        return "whole" if self.window is None else f"after {self.after} until {self.as_of}"


def require_recent(
    name: str, as_of: datetime, limit_hours: float, *, newest: datetime | None, not_after: datetime | None = None
) -> None:
    """Check the age of the newest of what a source says, an event or else a file.

    not_after: what the newest is known not to lie after, where nothing newer was found.

    Raises:
        OutsideTrouble: it is older than the limit: tonight's delivery may still come.
        InvalidInput: the age cannot be known.
    """
    known = newest or not_after
    if known is None:
        raise InvalidInput(
            f"snapshot.max_source_age_hours is {limit_hours:g}, but {name} does not say how old it is. Set "
            f"snapshot.time_column, or set snapshot.max_source_age_hours: null."
        )
    age = (as_of - known).total_seconds() / 3600
    if age > limit_hours:
        what = f"its newest information is of {known.astimezone(UTC).isoformat()}, {age:.1f} hours"
        if newest is None:
            what = f"it says nothing new since {known.astimezone(UTC).isoformat()}, {age:.1f} hours"
        raise OutsideTrouble(
            f"{name} did not deliver: {what} before the as-of {as_of.isoformat()}, where "
            f"snapshot.max_source_age_hours allows {limit_hours:g}. Ask the owner of the export; the run tries again "
            f"by itself. If the source is seldom written, raise the limit, or set it to null."
        )
