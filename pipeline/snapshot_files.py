"""A snapshot as a folder of deterministic Parquet files, append-only but for the node table and the removals."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.errors import TamperedRecord
from pipeline.graph_tables import STILL_ALIVE, GraphTables
from pipeline.manifest import write_manifest
from pipeline.published_snapshot import stamp

ROW_GROUP_ROWS = 1 << 20


@dataclass(frozen=True, eq=False)
class CanonicalGraph:
    """A snapshot's tables with what only its files keep: when each node was first seen, and whether it is there now."""

    tables: GraphTables
    node_first_seen: NDArray[np.int64]
    node_living: NDArray[np.bool_]


def write_folder(
    graph: CanonicalGraph,
    folder: Path,
    *,
    as_of: datetime,
    previous: CanonicalGraph | None,
    previous_folder: Path | None,
) -> None:
    """Write nodes.parquet, edges/, removals/, returns/ and SHA256SUMS.

    Earlier edge buckets are copied, so that they keep their bytes whatever library wrote them; tonight's new edges
    make one bucket more. A partition of removals or returns is written anew only when an edge of it has moved on.
    """
    tables = graph.tables
    old_edges = previous.tables.edges.shape[1] if previous else 0
    (folder / "edges").mkdir(parents=True, exist_ok=True)
    if previous_folder is not None:
        for bucket in sorted((previous_folder / "edges").glob("*.parquet")):
            shutil.copyfile(bucket, folder / "edges" / bucket.name)
    if tables.edges.shape[1] > old_edges:
        fresh = _edge_columns(tables, slice(old_edges, None))
        fresh["first_seen"] = pa.array(tables.first_seen[old_edges:])
        _write(fresh, folder / "edges" / f"{stamp(as_of)}.parquet")
    _write(_node_columns(graph), folder / "nodes.parquet")
    _write_history(tables, folder, previous_folder)
    write_manifest(folder)


def read_graph(folder: Path) -> CanonicalGraph:
    """Read a snapshot's folder.

    Raises:
        TamperedRecord: an edge names a node that nodes.parquet lacks, or a removal an edge that no bucket holds.
    """
    nodes = pq.read_table(folder / "nodes.parquet")
    node_ids = np.asarray(nodes["node"].to_pandas())
    position = pd.Index(node_ids)
    edges, first_seen = _read_pairs(sorted((folder / "edges").glob("*.parquet")), position, "first_seen")
    removed_at = np.full(edges.shape[1], STILL_ALIVE, dtype=np.int64)
    alive_since = first_seen.copy()
    known = pd.Index(_keys(edges, len(position)))
    for name, column, moments in (("removals", "removed_at", removed_at), ("returns", "returned_at", alive_since)):
        named, times = _read_pairs(sorted((folder / name).glob("*.parquet")), position, column)
        where = known.get_indexer(pd.Index(_keys(named, len(position))))
        if (where < 0).any():
            raise TamperedRecord(
                f"{name}/ names {int((where < 0).sum())} edges that edges/ lacks. Fetch the snapshot again."
            )
        moments[where] = times
    features = None
    if "x" in nodes.column_names:
        x = nodes["x"].combine_chunks()
        features = x.flatten().to_numpy(zero_copy_only=False).reshape(len(node_ids), x.type.list_size)
    if node_ids.dtype.kind != "i":
        node_ids = node_ids.astype(np.str_)
    tables = GraphTables(node_ids, features, edges, first_seen, removed_at, alive_since)
    return CanonicalGraph(tables, nodes["first_seen"].to_numpy(), nodes["living"].to_numpy())


def _keys(edges: NDArray[np.int64], num_nodes: int) -> NDArray[np.int64]:
    keys: NDArray[np.int64] = edges[0] * np.int64(num_nodes) + edges[1]
    return keys


def _write_history(tables: GraphTables, folder: Path, previous_folder: Path | None) -> None:
    """Write what became of edges after they came: removals/ of those that are gone, returns/ of those back again."""
    _write_partitions(
        tables,
        folder / "removals",
        _Moments("removed_at", tables.removed_at, ~tables.living),
        previous_folder / "removals" if previous_folder else None,
    )
    _write_partitions(
        tables,
        folder / "returns",
        _Moments("returned_at", tables.alive_since, tables.alive_since > tables.first_seen),
        previous_folder / "returns" if previous_folder else None,
    )


@dataclass(frozen=True)
class _Moments:
    """The times of one kind of event, and the edges that have one."""

    column: str
    times: NDArray[np.int64]
    happened: NDArray[np.bool_]


def _write_partitions(
    tables: GraphTables,
    folder: Path,
    moments: _Moments,
    previous_folder: Path | None,
) -> None:
    """Write one small file per moment; one that lost no row since the previous snapshot is copied, bytes and all."""
    for time in np.unique(moments.times[moments.happened]).tolist():
        folder.mkdir(exist_ok=True)
        name = f"{stamp(datetime.fromtimestamp(time, UTC))}.parquet"
        rows = np.flatnonzero(moments.happened & (moments.times == time))
        old = previous_folder / name if previous_folder else None
        # Rows only ever leave a partition, so as many rows are the same rows.
        if old is not None and old.is_file() and pq.read_metadata(old).num_rows == len(rows):
            shutil.copyfile(old, folder / name)
            continue
        columns = _edge_columns(tables, rows)
        columns[moments.column] = pa.array(moments.times[rows])
        _write(columns, folder / name)


def _edge_columns(tables: GraphTables, rows: slice | NDArray[np.int64]) -> dict[str, pa.Array]:
    source, target = tables.edges[0, rows], tables.edges[1, rows]
    return {"source": pa.array(tables.node_ids[source]), "target": pa.array(tables.node_ids[target])}


def _node_columns(graph: CanonicalGraph) -> dict[str, pa.Array]:
    tables = graph.tables
    columns = {
        "index": pa.array(np.arange(tables.num_nodes, dtype=np.int64)),
        "node": pa.array(tables.node_ids),
        "first_seen": pa.array(graph.node_first_seen),
        "living": pa.array(graph.node_living),
    }
    if tables.features is not None:
        columns["x"] = pa.FixedSizeListArray.from_arrays(pa.array(tables.features.ravel()), tables.features.shape[1])
    return columns


def _write(columns: dict[str, pa.Array], path: Path) -> None:
    """Write Parquet such that equal tables give equal bytes: everything that could vary is said here."""
    pq.write_table(
        pa.table(columns),
        path,
        row_group_size=ROW_GROUP_ROWS,
        version="2.6",
        compression="zstd",
        compression_level=3,
        data_page_version="1.0",
        use_dictionary=True,
        write_statistics=True,
    )


def _read_pairs(files: list[Path], position: pd.Index, time_column: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the edges of several files as positions [2, e], in the order of files and rows, and their times."""
    if not files:
        return np.zeros((2, 0), dtype=np.int64), np.zeros(0, dtype=np.int64)
    parts = [pq.read_table(path) for path in files]
    table = pa.concat_tables(parts)
    edges = np.stack([position.get_indexer(pd.Index(table[side].to_pandas())) for side in ("source", "target")])
    if (edges < 0).any():
        raise TamperedRecord(
            f"{files[0].parent.name}/ names {int((edges < 0).sum())} ends of edges that nodes.parquet lacks. "
            f"Fetch the snapshot again."
        )
    return edges.astype(np.int64), table[time_column].to_numpy()
