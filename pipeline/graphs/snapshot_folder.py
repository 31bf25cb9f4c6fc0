"""A snapshot as a folder of Parquet files: what each night added, and small files of what left or came back."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import InvalidInput, TamperedRecord
from pipeline.graphs.event_files import read_late, read_repeats, read_ways, ways_column, write_late, write_repeats
from pipeline.graphs.night_files import Columns, Moments, Rows, append_rows, read_rows, write_moments
from pipeline.graphs.tables import STILL_ALIVE, CanonicalGraph, FeatureHistory, GraphTables
from pipeline.records.manifest import write_manifest

COLUMN_NAMES = b"feature_columns"  # of the list x, in the file's own metadata


def write_folder(
    graph: CanonicalGraph,
    folder: Path,
    *,
    as_of: datetime,
    previous: CanonicalGraph | None,
    previous_folder: Path | None,
) -> None:
    """Write nodes/, features/, edges/, repeats/, late/, departures/, removals/, returns/ and SHA256SUMS.

    Earlier files of the first five are copied byte for byte, and tonight's rows make one file more. A file of
    departures, removals or returns is written anew only if it lost a row. So a night stores only what changed,
    however large the graph is.
    """
    tables, old = graph.tables, previous.tables if previous else None
    append_rows("nodes", _new_nodes(graph, old), folder, previous_folder, as_of)
    append_rows("edges", _new_edges(tables, old), folder, previous_folder, as_of)
    write_repeats(graph, previous, folder, previous_folder, as_of)
    write_late(graph, previous, folder, previous_folder, as_of)
    if tables.history is not None:
        # If the columns differ from those before, the history begins anew.
        known = old.history if old and old.history and old.history.columns == tables.history.columns else None
        append_rows("features", _new_features(tables, known), folder, previous_folder if known else None, as_of)
    for moments in _moments(graph):
        write_moments(moments, folder, previous_folder)
    write_manifest(folder)


def read_graph(folder: Path) -> CanonicalGraph:
    """Read a snapshot's folder.

    Raises:
        TamperedRecord: an edge names a node that nodes/ lacks, or a removal or an event an edge that no file holds.
        InvalidInput: the folder has the layout of an earlier version.
    """
    nodes = read_rows(folder, "nodes")
    if nodes is None:
        raise InvalidInput(
            f"The snapshot in {folder.name} has no nodes/, so an earlier version wrote it, whose layout this one does "
            f"not read. Start a new data repository (ncnc snapshots init) and ingest the deliveries again."
        )
    node_ids = np.asarray(nodes["node"].to_pandas())
    position = pd.Index(node_ids)
    named = read_rows(folder, "edges")
    edges, first_seen = _pairs(named, "edges", position, "first_seen")
    removed_at = np.full(edges.shape[1], STILL_ALIVE, dtype=np.int64)
    alive_since = first_seen.copy()
    _read_edge_moments(folder, edges, position, removed_at=removed_at, alive_since=alive_since)
    history = _read_history(folder, position)
    tables = GraphTables(
        node_ids=node_ids if node_ids.dtype.kind == "i" else node_ids.astype(np.str_),
        features=None if history is None else history.newest(len(position)),
        edges=edges,
        first_seen=first_seen,
        removed_at=removed_at,
        alive_since=alive_since,
        history=history,
        repeats=read_repeats(folder, len(first_seen)),
        first_forward=read_ways([named] if named is not None else []),
    )
    late = read_late(folder, len(first_seen))
    del named
    pa.default_memory_pool().release_unused()  # else Arrow keeps the memory that the columns took
    return CanonicalGraph(tables, nodes["first_seen"].to_numpy(), _read_departures(folder, position), late)


def _new_nodes(graph: CanonicalGraph, old: GraphTables | None) -> pa.Table:
    rows = slice(old.num_nodes if old else 0, None)
    return pa.table(
        {
            "index": pa.array(np.arange(graph.tables.num_nodes, dtype=np.int64)[rows]),
            "node": pa.array(graph.tables.node_ids[rows]),
            "first_seen": pa.array(graph.node_first_seen[rows]),
        }
    )


def _new_edges(tables: GraphTables, old: GraphTables | None) -> pa.Table:
    rows = slice(old.edges.shape[1] if old else 0, None)
    ways = ways_column(tables.first_forward, rows)
    return pa.table({**_edge_columns(tables, rows), "first_seen": pa.array(tables.first_seen[rows]), **ways})


def _new_features(tables: GraphTables, known: FeatureHistory | None) -> pa.Table:
    history = tables.history or FeatureHistory.empty(())
    rows = slice(len(known.since) if known else 0, None)
    values = pa.array(history.values[rows].ravel())
    table = pa.table(
        {
            "node": pa.array(tables.node_ids[history.node[rows]]),
            "since": pa.array(history.since[rows]),
            "x": pa.FixedSizeListArray.from_arrays(values, len(history.columns)),
        }
    )
    return table.replace_schema_metadata({COLUMN_NAMES: json.dumps(history.columns)})


def _moments(graph: CanonicalGraph) -> tuple[Moments, ...]:
    """Return what happened to nodes and edges after they came."""
    tables = graph.tables

    def edges(rows: Rows) -> Columns:
        return _edge_columns(tables, rows)

    def nodes(rows: Rows) -> Columns:
        return {"node": pa.array(tables.node_ids[rows])}

    came_back = tables.alive_since > tables.first_seen
    return (
        Moments("departures", "departed_at", graph.node_departed_at, ~graph.node_living, nodes),
        Moments("removals", "removed_at", tables.removed_at, ~tables.living, edges),
        Moments("returns", "returned_at", tables.alive_since, came_back, edges),
    )


def _edge_columns(tables: GraphTables, rows: slice | Rows) -> dict[str, pa.Array]:
    source, target = tables.edges[0, rows], tables.edges[1, rows]
    return {"source": pa.array(tables.node_ids[source]), "target": pa.array(tables.node_ids[target])}


def _pairs(
    table: pa.Table | None, name: str, position: pd.Index, time_column: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the edges of all nights as positions [2, e], in the order of files and rows, and their times."""
    if table is None:
        return np.zeros((2, 0), dtype=np.int64), np.zeros(0, dtype=np.int64)
    edges = np.stack([_positions(table, side, position, name) for side in ("source", "target")])
    return edges, table[time_column].to_numpy()


def _read_edge_moments(
    folder: Path,
    edges: NDArray[np.int64],
    position: pd.Index,
    *,
    removed_at: NDArray[np.int64],
    alive_since: NDArray[np.int64],
) -> None:
    """Enter the removals and returns of the files into the times of the edges, in place."""
    known: pd.Index | None = None  # made only if needed: for 30 million edges it takes a gigabyte
    for name, column, moments in (("removals", "removed_at", removed_at), ("returns", "returned_at", alive_since)):
        named, times = _pairs(read_rows(folder, name), name, position, column)
        if len(times):
            known = pd.Index(_keys(edges, len(position))) if known is None else known
            where = known.get_indexer(pd.Index(_keys(named, len(position))))
            _require_found(where, f"{name}/ names {{}} edges that edges/ lacks")
            moments[where] = times


def _read_departures(folder: Path, position: pd.Index) -> NDArray[np.int64]:
    """Return when each node left, [n]; STILL_ALIVE for a node that is in the graph."""
    departed_at = np.full(len(position), STILL_ALIVE, dtype=np.int64)
    departures = read_rows(folder, "departures")
    if departures is not None:
        departed_at[_positions(departures, "node", position, "departures")] = departures["departed_at"].to_numpy()
    return departed_at


def _read_history(folder: Path, position: pd.Index) -> FeatureHistory | None:
    table = read_rows(folder, "features")
    if table is None:
        return None
    x = table["x"].combine_chunks()
    values = x.flatten().to_numpy(zero_copy_only=False).reshape(table.num_rows, x.type.list_size)
    columns = tuple(json.loads(table.schema.metadata[COLUMN_NAMES]))
    return FeatureHistory(columns, _positions(table, "node", position, "features"), table["since"].to_numpy(), values)


def _positions(table: pa.Table, column: str, position: pd.Index, name: str) -> NDArray[np.int64]:
    """Return the positions of a column of node ids."""
    found = position.get_indexer(pd.Index(table[column].to_pandas()))
    _require_found(found, f"{name}/ names {{}} nodes that nodes/ lacks")
    return found.astype(np.int64, copy=False)


def _require_found(where: NDArray[np.int64], rule: str) -> None:
    missing = int((where < 0).sum())
    if missing:
        raise TamperedRecord(f"{rule.format(missing)}. Fetch the snapshot again.")


def _keys(edges: NDArray[np.int64], num_nodes: int) -> NDArray[np.int64]:
    keys: NDArray[np.int64] = edges[0] * np.int64(num_nodes) + edges[1]
    return keys
