"""The files of a snapshot's events: an edge is named by its place among the rows of edges/, in the order of files."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.errors import TamperedRecord
from pipeline.graphs.events import Events, LateEvents
from pipeline.graphs.night_files import append_rows
from pipeline.graphs.tables import CanonicalGraph

Columns = dict[str, NDArray[np.int64]]
INT32_EDGES = 1 << 31  # as many can be numbered in 32 bits, with the sign


def write_repeats(
    graph: CanonicalGraph, previous: CanonicalGraph | None, folder: Path, previous_folder: Path | None, as_of: datetime
) -> None:
    """Write repeats/: tonight's later events, in the order of their times, as one file more."""
    rows = slice(len(previous.tables.repeats) if previous else 0, None)
    events = graph.tables.repeats
    columns = {"edge": events.edge[rows], "time": events.time[rows]}
    append_rows("repeats", _table(columns, graph), folder, previous_folder, as_of, deltas=True)


def write_late(
    graph: CanonicalGraph, previous: CanonicalGraph | None, folder: Path, previous_folder: Path | None, as_of: datetime
) -> None:
    """Write late/: those of tonight's events, first ones too, that are told of a time before, as one file more."""
    rows = slice(len(previous.late) if previous else 0, None)
    late = graph.late
    columns = {"edge": late.edge[rows], "time": late.time[rows], "told": late.told[rows]}
    append_rows("late", _table(columns, graph), folder, previous_folder, as_of, deltas=True)


def read_repeats(folder: Path, num_edges: int) -> Events:
    """Read the later events of all nights; none where an earlier version wrote the snapshot.

    Raises:
        TamperedRecord: one is of an edge that edges/ lacks.
    """
    return Events(**_columns(folder, "repeats", ("edge", "time"), num_edges))


def read_late(folder: Path, num_edges: int) -> LateEvents:
    """Read the events that came late in all nights; none where an earlier version wrote the snapshot.

    Raises:
        TamperedRecord: one is of an edge that edges/ lacks.
    """
    return LateEvents(**_columns(folder, "late", ("edge", "time", "told"), num_edges))


def _table(columns: Columns, graph: CanonicalGraph) -> pa.Table:
    kind = pa.int32() if len(graph.tables.first_seen) <= INT32_EDGES else pa.int64()
    return pa.table({name: pa.array(values, kind if name == "edge" else None) for name, values in columns.items()})


def _columns(folder: Path, name: str, columns: tuple[str, ...], num_edges: int) -> Columns:
    tables = [pq.read_table(path, columns=list(columns)) for path in sorted((folder / name).glob("*.parquet"))]
    # Each file by itself: a graph that grows may name edges in 32 bits at first, and in 64 later.
    found = {
        column: np.concatenate([np.zeros(0, dtype=np.int64), *(table[column].to_numpy() for table in tables)])
        for column in columns
    }
    beyond = (found["edge"] < 0) | (found["edge"] >= num_edges)
    if beyond.any():
        raise TamperedRecord(
            f"{name}/ names {int(beyond.sum())} edges that edges/ lacks (first: {found['edge'][beyond][0]}, of "
            f"{num_edges} edges counted from 0). Fetch the snapshot again."
        )
    return found
