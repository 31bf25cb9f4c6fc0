"""The files of a snapshot's events: an edge is named by its place among the rows of edges/, in the order of files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.errors import TamperedRecord
from pipeline.graphs.events import Events, LateEvents, Ways
from pipeline.graphs.night_files import append_rows
from pipeline.graphs.tables import CanonicalGraph

Columns = dict[str, NDArray[np.int64]]
FORWARD = "forward"  # the column of which way an event went, where the source says it
INT32_EDGES = 1 << 31  # as many can be numbered in 32 bits, with the sign


def write_repeats(
    graph: CanonicalGraph, previous: CanonicalGraph | None, folder: Path, previous_folder: Path | None, as_of: datetime
) -> None:
    """Write repeats/: tonight's later events, in the order of their times, as one file more."""
    rows = slice(len(previous.tables.repeats) if previous else 0, None)
    events = graph.tables.repeats
    columns = {"edge": events.edge[rows], "time": events.time[rows]}
    append_rows("repeats", _table(columns, events.forward, rows, graph), folder, previous_folder, as_of, deltas=True)


def write_late(
    graph: CanonicalGraph, previous: CanonicalGraph | None, folder: Path, previous_folder: Path | None, as_of: datetime
) -> None:
    """Write late/: those of tonight's events, first ones too, that are told of a time before, as one file more."""
    rows = slice(len(previous.late) if previous else 0, None)
    late = graph.late
    columns = {"edge": late.edge[rows], "time": late.time[rows], "told": late.told[rows]}
    append_rows("late", _table(columns, late.forward, rows, graph), folder, previous_folder, as_of, deltas=True)


def read_repeats(folder: Path, num_edges: int) -> Events:
    """Read the later events of all nights; none where an earlier version wrote the snapshot.

    Raises:
        TamperedRecord: one is of an edge that edges/ lacks.
    """
    files = _files(folder, "repeats")
    return Events(**_columns(files, "repeats", ("edge", "time"), num_edges), forward=read_ways(files))


def read_late(folder: Path, num_edges: int) -> LateEvents:
    """Read the events that came late in all nights; none where an earlier version wrote the snapshot.

    Raises:
        TamperedRecord: one is of an edge that edges/ lacks.
    """
    files = _files(folder, "late")
    return LateEvents(**_columns(files, "late", ("edge", "time", "told"), num_edges), forward=read_ways(files))


def ways_column(forward: Ways | None, rows: slice) -> dict[str, pa.Array]:
    """Return the column of which way some events went; no column where nobody says it."""
    return {} if forward is None else {FORWARD: pa.array(forward[rows])}


def read_ways(tables: Sequence[pa.Table]) -> Ways | None:
    """Return which way the events of all nights went; None where a night's file does not say it."""
    if any(FORWARD not in table.column_names for table in tables):
        return None
    return np.concatenate([np.zeros(0, dtype=np.bool_), *(table[FORWARD].to_numpy() for table in tables)])


def _table(columns: Columns, forward: Ways | None, rows: slice, graph: CanonicalGraph) -> pa.Table:
    kind = pa.int32() if len(graph.tables.first_seen) <= INT32_EDGES else pa.int64()
    whole = {name: pa.array(values, kind if name == "edge" else None) for name, values in columns.items()}
    return pa.table(whole | ways_column(forward, rows))


def _files(folder: Path, name: str) -> list[pa.Table]:
    return [pq.read_table(path) for path in sorted((folder / name).glob("*.parquet"))]


def _columns(tables: Sequence[pa.Table], name: str, columns: tuple[str, ...], num_edges: int) -> Columns:
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
