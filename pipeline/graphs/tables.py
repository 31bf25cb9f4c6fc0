"""A graph snapshot in memory: ids, features, and every edge ever held, with the times at which it came and went."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.graphs.events import Events, LateEvents, Ways, later_of_each

STILL_ALIVE = np.iinfo(np.int64).max
Times = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FeatureHistory:
    """Every value that the nodes' features ever had, each with the time from which it holds.

    columns: the source's names of the features. node [v]: positions; the values of one node stand in the order of
    their times. since [v]: unix seconds. values [v, f] float32.
    """

    columns: tuple[str, ...]
    node: NDArray[np.int64]
    since: Times
    values: NDArray[np.float32]

    @classmethod
    def empty(cls, columns: tuple[str, ...]) -> FeatureHistory:
        """Return an empty history."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls(columns, nothing, nothing, np.zeros((0, len(columns)), dtype=np.float32))

    def at(self, time: int, num_nodes: int) -> NDArray[np.float32]:
        """Return each node's features as of a time, [nodes, f]; zeros for nodes without features by then."""
        known = np.flatnonzero(self.since <= time)
        features = np.zeros((num_nodes, len(self.columns)), dtype=np.float32)
        features[self.node[known]] = self.values[known]  # the last of a node's values stays
        return features

    def newest(self, num_nodes: int) -> NDArray[np.float32]:
        """Return each node's features as they are now, [nodes, f]; zeros where there are none."""
        return self.at(np.iinfo(np.int64).max, num_nodes)

    def known(self, num_nodes: int) -> NDArray[np.bool_]:
        """Return which nodes have ever had features, [nodes]; the others have zeros instead."""
        known = np.zeros(num_nodes, dtype=np.bool_)
        known[self.node] = True
        return known

    def with_changes(self, node: NDArray[np.int64], since: Times, values: NDArray[np.float32]) -> FeatureHistory:
        """Return the history with later values appended; the appended ones are sorted by node."""
        order = np.argsort(node, kind="stable")
        return FeatureHistory(
            self.columns,
            np.concatenate([self.node, node[order]]),
            np.concatenate([self.since, since[order]]),
            np.concatenate([self.values, values[order]]),
        )


@dataclass(frozen=True, eq=False)
class GraphTables:
    """One snapshot. Times are unix seconds, UTC; nodes are positions 0..n-1 that never change between snapshots.

    node_ids [n]: int64 or str, the source's ids by position. features [n, f] float32, as they are now, or None.
    edges [2, e]: every undirected edge ever held, source < target as positions. first_seen [e]: when it was first
    held (a returning edge keeps it). removed_at [e]: when it was last removed, STILL_ALIVE while it lives.
    alive_since [e]: the start of its last life: first_seen, or when it last came back. history: what the features
    were before; None where they have no dates. repeats: the later events of the edges, those that are gone included,
    in the order of their times; none lies before its edge's first_seen. first_forward [e]: whether an edge's first
    event went from source to target; None where the snapshots do not say which way events went. Then `repeats` does not
    say it either.
    """

    node_ids: NDArray[np.generic]
    features: NDArray[np.float32] | None
    edges: NDArray[np.int64]
    first_seen: NDArray[np.int64]
    removed_at: NDArray[np.int64]
    alive_since: NDArray[np.int64]
    history: FeatureHistory | None = None
    repeats: Events = field(default_factory=Events.none)
    first_forward: Ways | None = None

    @property
    def num_nodes(self) -> int:
        """The number of nodes ever held."""
        return len(self.node_ids)

    @property
    def living(self) -> NDArray[np.bool_]:
        """The mask of the edges alive in this snapshot, [e]."""
        return np.equal(self.removed_at, STILL_ALIVE)

    def features_at(self, time: int) -> NDArray[np.float32] | None:
        """Return the features as of a time, zeros for nodes that had none by then; without a history, those of now."""
        if self.features is None or self.history is None:
            return self.features
        return self.history.at(time, self.num_nodes)


@dataclass(frozen=True, eq=False)
class CanonicalGraph:
    """A snapshot's tables with what only its files keep: when each node was first seen and left, and what came late.

    node_first_seen, node_departed_at [n]: unix seconds; STILL_ALIVE for a node that is in the graph. late: the events
    that the source dates before the night that brought them.
    """

    tables: GraphTables
    node_first_seen: NDArray[np.int64]
    node_departed_at: NDArray[np.int64]
    late: LateEvents = field(default_factory=LateEvents.none)

    @property
    def node_living(self) -> NDArray[np.bool_]:
        """The mask of the nodes that are in the graph, [n]."""
        return np.equal(self.node_departed_at, STILL_ALIVE)

    def told_events(self, chosen: NDArray[np.bool_]) -> Events:
        """Return the events held of chosen edges, [e], by the times that the source gave; in no certain order."""
        tables, edges = self.tables, np.flatnonzero(chosen)
        repeats = tables.repeats.at(chosen[tables.repeats.edge])
        forward = None if tables.first_forward is None else tables.first_forward[edges]
        return self.late.as_told(Events(edges, tables.first_seen[edges], forward).and_then(repeats), chosen)


@dataclass(frozen=True)
class Change:
    """Tonight's graph, and how many edges came, went and came back since the previous snapshot.

    late: how many of the added edges have a time that lies before the previous snapshot. repeated: how many events of
    known pairs came, and later events of the added ones; late_repeats: how many of them have a time that lies before
    the previous snapshot.
    """

    graph: CanonicalGraph
    added: int
    removed: int
    returned: int
    late: int = 0
    repeated: int = 0
    late_repeats: int = 0


def content_id(graph: CanonicalGraph) -> str:
    """Return the sha256 over the living nodes, their features and the living edges, all in the order of their ids.

    Where living edges have later events, it is over the times of these as well, as the source gave them, and where it
    is known which way events went, over that. Equal graphs have equal ids, whatever file, row order or history they
    come from: positions do not enter, nor does the time of an edge's earliest event.
    """
    tables = graph.tables
    living = np.flatnonzero(graph.node_living)
    living = living[np.argsort(tables.node_ids[living], kind="stable")]
    rank = np.full(tables.num_nodes, -1, dtype=np.int64)
    rank[living] = np.arange(len(living))
    ends = rank[tables.edges[:, tables.living]]
    pairs = np.sort(ends, axis=0)
    # One sort of int64 keys: at 30 million edges a tenth of the time of sorting by two columns.
    unsorted = pairs[0] * np.int64(max(len(living), 1)) + pairs[1]
    keys = np.sort(unsorted)
    pairs = np.stack(np.divmod(keys, np.int64(max(len(living), 1))), axis=1)  # [edges, 2]
    kind = "int64" if tables.node_ids.dtype.kind == "i" else "string"
    width = tables.features.shape[1] if tables.features is not None else 0
    digest = hashlib.sha256(f"ncnc graph 1 {kind} {len(living)} {len(pairs)} {width}\n".encode())
    digest.update(json.dumps(tables.node_ids[living].tolist()).encode())
    digest.update(np.ascontiguousarray(pairs, dtype="<i8").tobytes())
    if tables.features is not None:
        digest.update(np.ascontiguousarray(tables.features[living], dtype="<f4").tobytes())
    for part in _said_of_repeats(graph, unsorted):
        digest.update(part)
    for part in _said_of_directions(graph, unsorted, ends[0] > ends[1]):
        digest.update(part)
    return digest.hexdigest()


def _said_of_repeats(graph: CanonicalGraph, keys: NDArray[np.int64]) -> Iterator[bytes | memoryview]:
    """Yield what the content id holds of the living edges' later events; nothing where there are none.

    keys: a number for each living edge, in the order of the tables, that depends on the ids alone.
    """
    tables = graph.tables
    repeated = np.zeros(len(tables.first_seen), dtype=np.bool_)
    repeated[tables.repeats.edge] = True
    repeated &= tables.living
    if not repeated.any():
        return
    told = graph.told_events(repeated)
    key = np.full(len(repeated), -1, dtype=np.int64)
    key[tables.living] = keys
    # Less the earliest as the source told it: which event became the first depends on the order in which they came.
    later = later_of_each(Events(key[told.edge], told.time))
    yield f"repeats 1 {len(later)}\n".encode()
    yield np.ascontiguousarray(later.edge, dtype="<i8").data
    yield np.ascontiguousarray(later.time, dtype="<i8").data


def _said_of_directions(
    graph: CanonicalGraph, keys: NDArray[np.int64], turned: NDArray[np.bool_]
) -> Iterator[bytes | memoryview]:
    """Yield which way the living edges' events went, by their ids; nothing where the graph does not say it.

    keys: as in `_said_of_repeats`. turned: which living edges have their ids in the other order than their positions.
    """
    tables = graph.tables
    told = graph.told_events(tables.living)
    if told.forward is None:
        return
    row = np.cumsum(tables.living) - 1  # of an edge, among the living ones
    key, forward = keys[row[told.edge]], told.forward ^ turned[row[told.edge]]
    order = np.lexsort((forward, told.time, key))
    yield f"directions 1 {len(order)}\n".encode()
    yield np.packbits(forward[order]).data
