"""The reader: it makes one delivery of the tables that were taken for a night.

Both tables are opened. The edge table's values are checked, its rows counted, and each pair found once; then the node
table is read. Whether the delivery is of use is decided by `judge`.
"""

from __future__ import annotations

import dataclasses
import logging
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ibis.backends.duckdb import Backend
from ibis.expr.types import Table
from numpy.typing import NDArray

from pipeline.errors import InvalidInput
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources import columns
from pipeline.sources.bounds import expect_affordable
from pipeline.sources.delivery import (
    Delivery,
    Ids,
    NodeTable,
    RowCounts,
    digest_of_delivery,
    digest_of_edges,
    digest_of_nodes,
    no_rows,
)
from pipeline.sources.edges import EdgeRows, row_counts
from pipeline.sources.engine import duckdb_pairs
from pipeline.sources.formats import open_parquet
from pipeline.sources.nodes import read_nodes
from pipeline.sources.spark import spark_pairs
from pipeline.sources.table import SourceTable
from pipeline.sources.taken_table import TakenTable
from pipeline.sources.taking import TableRequest
from pipeline.sources.unread_times import said_of_unread_times
from pipeline.sources.window import Night

logger = logging.getLogger(__name__)


class Arrived(NamedTuple):
    """A table that a night asked for, and what was taken."""

    request: TableRequest
    taken: TakenTable


class _EdgesRead(NamedTuple):
    """What an edge table came to; pairs: low, high and perhaps time and repeats, as `Delivery` holds them."""

    ids: Ids
    pairs: dict[str, NDArray[np.int64]]
    rows: RowCounts
    newest: int | None


@dataclass(frozen=True)
class DeliveryReader:
    """Reads tables on an embedded DuckDB; what is written on the way goes to a folder."""

    connection: Backend
    folder: Path
    params: SnapshotParams
    night: Night

    def read(self, edges: Arrived, nodes: Arrived | None = None) -> Delivery:
        """Return what the tables hold.

        Raises:
            InvalidInput: a table is empty, broken or lacks a column, or a value breaks its column's rules.
            OutsideTrouble: memory or disk ran out.
        """
        edge_table, edge_text = self._open(edges)
        node_table, node_text = self._open(nodes) if nodes else (None, None)
        # On a quiet night of a log no edge row says whether ids are strings; the node table may.
        text = bool(node_text if edge_text is None else edge_text)
        found = self._read_edges(edges.taken, edge_table, text=text)
        read = self._read_nodes(nodes.taken, node_table, text=text) if nodes and node_table else None
        # Files without a row all have the same bytes: two quiet nights are not one delivery given twice.
        edge_digest = edges.taken.sha256 if edge_text is not None else None
        if edge_digest is None:
            edge_digest = digest_of_edges(found.ids, list(found.pairs.values()), found.rows, scope=self.night.scope)
        node_digest = (nodes.taken.sha256 or digest_of_nodes(read)) if nodes and read else ""
        query = self.params.edge_query if edges.taken.numbered else None
        return Delivery(
            edges_file=edges.taken.name,
            nodes_file=nodes.taken.name if nodes else None,
            sha256=digest_of_delivery(edge_digest, query=query, nodes=node_digest),
            ids=found.ids,
            low=found.pairs["low"],
            high=found.pairs["high"],
            time=found.pairs.get("time"),
            repeat_pair=found.pairs.get("repeat_pair", no_rows()),
            repeat_time=found.pairs.get("repeat_time", no_rows()),
            is_forth=_ways(found.pairs, "is_forth"),
            repeat_is_forth=_ways(found.pairs, "repeat_is_forth"),
            rows=found.rows,
            nodes=read,
            newest=found.newest,
            since=self.night.since,
            read_after=self.night.window.after if self.night.window else None,
            modified=edges.taken.modified,
        )

    def _open(self, arrived: Arrived) -> tuple[SourceTable, bool | None]:
        """Return a table, or the window of it, and whether its ids are strings; None where it has no row."""
        request, taken = arrived
        may_be_empty = request.within is not None
        with taken.refusing():
            if taken.numbered:
                expect_affordable(taken, self.params, columns=len(request.needed), partly=may_be_empty)
            if request.query is not None and taken.numbered:
                answer = self.folder / f"{request.name}-answer.parquet"
                table = request.query.answer(self.connection, taken, request.needed, answer, may_be_empty=may_be_empty)
            else:
                table = taken.open(self.connection, request.needed, may_be_empty=may_be_empty)
            # Asked of the whole: the few new rows of a CSV file may look otherwise.
            text = table.ids_are_text(*request.ids, id_type=self.params.id_type)
            return self._within(table, request) if taken.numbered else table, text

    def _within(self, table: SourceTable, request: TableRequest) -> SourceTable:
        """Write the window of a table to a file of its own, so that the source is read once, at one moment."""
        if request.within is None:
            return table
        time_column, window = request.within
        column = columns.times(time_column, table.table[time_column].type())
        if column.refusal or window.has_no_time(table.table, column):
            table.check([column])
        path = self.folder / "window.parquet"
        wanted = sorted({name for _, name in request.needed})
        self.connection.to_parquet(window.of(table.table, column).select(*wanted), path)
        within = SourceTable(table.name, open_parquet(self.connection, path), table.typed)
        if not within.table.limit(1).count().to_pyarrow().as_py():
            # A quiet night, or a log whose times are no unix seconds any more: those all lie before the window.
            table.check([dataclasses.replace(column, rules=tuple(rule for rule in column.rules if rule.of_all))])
        return within

    def _read_edges(self, taken: TakenTable, table: SourceTable, *, text: bool) -> _EdgesRead:
        night = self.night
        with taken.refusing():
            rows = EdgeRows.checked(table, self.params, text=text)
            counts = rows.counted(night.after, night.as_of, night.since)
            if taken.numbered and self.params.time_column is None:
                self._tell_of_unread_times(taken)
            ids, pairs = self._pairs(rows.kept(night.after, night.as_of), text=text)
            reciprocal = int(pairs.pop("reciprocal").sum()) if self.params.directed else 0
            outcome = row_counts(rows, counts, num_pairs=len(pairs["low"]), reciprocal=reciprocal, until=night.as_of)
        return _EdgesRead(ids, pairs, outcome, counts.newest)

    def _tell_of_unread_times(self, taken: TakenTable) -> None:
        with suppress(InvalidInput):  # parts with other columns of their own
            whole = taken.open(self.connection, (), may_be_empty=True)
            if said := said_of_unread_times(whole, self.params, self.night.as_of):
                logger.warning("%s", said)

    def _pairs(self, rows: Table, *, text: bool) -> tuple[Ids, dict[str, NDArray[np.int64]]]:
        directed = self.params.directed
        if self.params.engine == "duckdb":
            return duckdb_pairs(self.connection, rows, text=text, directed=directed)
        self.connection.to_parquet(rows, self.folder / "checked.parquet")
        return spark_pairs(self.folder / "checked.parquet", self.folder, text=text, directed=directed)

    def _read_nodes(self, taken: TakenTable, table: SourceTable, *, text: bool) -> NodeTable:
        with taken.refusing():
            return read_nodes(table, self.params, text=text, as_of=self.night.as_of)


def _ways(pairs: dict[str, NDArray[np.int64]], name: str) -> NDArray[np.bool_] | None:
    return pairs[name].astype(np.bool_) if name in pairs else None
