"""One night's delivery, as plain arrays and counts, and its digest.

A pair is here once, however many rows name it; its other rows are times, and the counts say what became of them all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.generic]


def no_rows() -> NDArray[np.int64]:
    """Return the positions or times of no row."""
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class RowCounts:
    """What became of the rows of an edge table.

    read: the rows that were looked at. self_loops: rows from a node to itself. repeated: rows that name a pair again.
    reciprocal: pairs that a directed table holds in both directions, which is allowed there. later: rows from after
    the as-of. late: events of the late window, at or before the last snapshot's as-of; they are read again because
    some of them may have arrived since. left_out: rows whose type or weight params.yaml does not ask for. first_*: the
    first such row, as you find it in the file; empty unless such rows are refused.
    """

    read: int
    self_loops: int = 0
    repeated: int = 0
    reciprocal: int = 0
    later: int = 0
    late: int = 0
    left_out: int = 0
    first_self_loop: str = ""
    first_repeated: str = ""
    first_later: str = ""

    @property
    def kept(self) -> int:
        """The rows that count: neither left out nor left for a later night."""
        return self.read - self.later - self.left_out


@dataclass(frozen=True, eq=False)
class NodeTable:
    """The delivered nodes.

    ids [n]: each once. features [n, f] float32; columns [f]: their names. times [n]: unix seconds from which a row's
    features hold; None if the table has no such column.
    """

    ids: Ids
    features: NDArray[np.float32] | None = None
    times: NDArray[np.int64] | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Delivery:
    """One delivery. Its values are checked; the graph that it makes is not.

    ids [n]: every id that an edge row names, sorted; int64, or str objects. low, high [e]: positions in ids, low <
    high, each pair once, in the order of (low, high); self-loops are only counted. time [e]: the earliest time of each
    pair, unix seconds, or None. repeat_pair, repeat_time [r]: the other rows of the pairs, in either direction, where
    there are times: the position of the pair, and unix seconds; in the order of pairs, then of times. is_forth [e],
    repeat_is_forth [r]: whether those rows lead from low to high; None unless a directed table has times. newest: the
    latest time among the rows read, or None. since: set if an event log was read on from an earlier snapshot: its
    as-of. Older events are in that snapshot, and a night without new ones is valid. dated: whether the edge table's
    location names the night, so that each night has a file of its own. read_after: the time after which an event log
    was searched. modified: when the newest edge file was written, if known.
    """

    edges_file: str
    nodes_file: str | None
    sha256: str
    ids: Ids
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    time: NDArray[np.int64] | None
    rows: RowCounts
    nodes: NodeTable | None = None
    newest: int | None = None
    since: int | None = None
    dated: bool = True
    read_after: int | None = None
    modified: datetime | None = None
    repeat_pair: NDArray[np.int64] = field(default_factory=no_rows)
    repeat_time: NDArray[np.int64] = field(default_factory=no_rows)
    is_forth: NDArray[np.bool_] | None = None
    repeat_is_forth: NDArray[np.bool_] | None = None

    @property
    def num_edges(self) -> int:
        """The number of distinct undirected edges, self-loops not counted."""
        return len(self.low)

    @property
    def ids_are_text(self) -> bool:
        """Whether ids are strings rather than integers."""
        return self.ids.dtype.kind != "i"


def digest_of_delivery(edges: str, *, query: str | None, nodes: str) -> str:
    """Return the sha256 of a delivery from those of its edge and its node table; nodes: empty where there is none.

    query: the owner's, where it was asked of the edge files: with another query the same files are another delivery.
    """
    if query:
        edges = hashlib.sha256((edges + query).encode()).hexdigest()
    return hashlib.sha256((edges + nodes).encode()).hexdigest()


def digest_of_edges(ids: Ids, pairs: Sequence[NDArray[np.int64]], rows: RowCounts, *, scope: str) -> str:
    """Return the sha256 of an edge table's content; scope: which part of the source was read.

    ids, pairs: as in `Delivery`; pairs are low, high and perhaps time, each [e], where pairs are repeated at times,
    repeat_pair and repeat_time, each [r], and of a directed table with times is_forth and repeat_is_forth.
    """
    said = [rows.read, rows.self_loops, rows.repeated, rows.reciprocal, rows.left_out]
    digest = hashlib.sha256(f"ncnc events 1 {scope} {said} {len(ids)} {len(pairs)}\n".encode())
    digest.update(json.dumps(ids.tolist()).encode())
    for values in pairs:
        digest.update(np.ascontiguousarray(values, dtype="<i8").data)
    return digest.hexdigest()


def digest_of_nodes(nodes: NodeTable) -> str:
    """Return the sha256 over a node table in the order of its ids."""
    order = np.argsort(nodes.ids, kind="stable")
    digest = hashlib.sha256(f"ncnc nodes 1 {len(order)}\n".encode())
    digest.update(json.dumps(nodes.ids[order].tolist()).encode())
    if nodes.features is not None:
        digest.update(np.ascontiguousarray(nodes.features[order], dtype="<f4").data)
    if nodes.times is not None:
        digest.update(np.ascontiguousarray(nodes.times[order], dtype="<i8").data)
    return digest.hexdigest()
