"""What changed between two snapshots of a graph, and a snapshot's living edges as one table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ncnc_core.whole_file import whole_file
from pipeline.errors import InvalidInput
from pipeline.graphs.tables import CanonicalGraph, GraphTables

CHANGES = ("added", "removed", "returned")


@dataclass(frozen=True, eq=False)
class Difference:
    """The nodes and edges that differ; positions are those of the later snapshot.

    added: living in the later one and never held before. removed: living in the earlier one and not in the later.
    returned: held before, living in the later one and not in the earlier.
    """

    later: GraphTables
    nodes: dict[str, NDArray[np.int64]]
    edges: dict[str, NDArray[np.int64]]

    def edge_table(self) -> pa.Table:
        """Return every edge that differs, with its change."""
        parts = [
            _edge_table(self.later, self.edges[change]).append_column(
                "change", pa.array([change] * len(self.edges[change]), pa.string())
            )
            for change in CHANGES
        ]
        return pa.concat_tables(parts)


def difference(earlier: CanonicalGraph, later: CanonicalGraph) -> Difference:
    """Compare two snapshots of one history, the earlier one first; cost is one pass over the edges.

    Raises:
        InvalidInput: the later one was not built on the earlier one.
    """
    old, new = earlier.tables, later.tables
    num_nodes, num_edges = old.num_nodes, old.edges.shape[1]
    if not (
        np.array_equal(new.node_ids[:num_nodes], old.node_ids) and np.array_equal(new.edges[:, :num_edges], old.edges)
    ):
        raise InvalidInput(
            f"The later snapshot ({new.num_nodes} nodes, {new.edges.shape[1]} edges ever) does not go on from the "
            f"earlier one ({num_nodes}, {num_edges}). Compare two snapshots of one graph's history, the earlier first."
        )
    return Difference(
        later=new,
        nodes=_changes(earlier.node_living, later.node_living),
        edges=_changes(old.living, new.living),
    )


def living_table(tables: GraphTables) -> pa.Table:
    """Return the living edges by their ids, with when each was first seen."""
    rows = np.flatnonzero(tables.living)
    return _edge_table(tables, rows).append_column("first_seen", pa.array(tables.first_seen[rows]))


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table as one Parquet file; its folder is made if it is missing."""
    with whole_file(path) as staged:
        pq.write_table(table, staged, compression="zstd")


def _changes(before: NDArray[np.bool_], now: NDArray[np.bool_]) -> dict[str, NDArray[np.int64]]:
    """Return the positions that differ, by change; positions beyond the earlier mask are new."""
    held = len(before)
    return {
        "added": held + np.flatnonzero(now[held:]),
        "removed": np.flatnonzero(before & ~now[:held]),
        "returned": np.flatnonzero(~before & now[:held]),
    }


def _edge_table(tables: GraphTables, rows: NDArray[np.int64]) -> pa.Table:
    source, target = tables.edges[0, rows], tables.edges[1, rows]
    return pa.table({"source": tables.node_ids[source], "target": tables.node_ids[target]})
