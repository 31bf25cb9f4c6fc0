"""Tonight's canonical tables, from the previous snapshot's tables and the delivery.

Pure functions; the order of the delivered rows does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.graphs.events import ways_of_both
from pipeline.graphs.tables import STILL_ALIVE, CanonicalGraph, Change, FeatureHistory, GraphTables
from pipeline.ingest.new_events import DeliveredWays, new_events
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.delivery import Delivery, Ids

Times = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Edges:
    """The delivered edges beside those ever held: the new ones, [2, new], and what became of the others, [known].

    rows [new]: positions of the new ones in the delivery. column [delivered]: where each delivered edge stands in
    tonight's tables. turned [delivered]: whether its lower id has the higher position.
    """

    new: NDArray[np.int64]
    rows: NDArray[np.int64]
    column: NDArray[np.int64]
    turned: NDArray[np.bool_]
    removed_at: Times
    alive_since: Times
    removed: int
    returned: int


def build(
    delivery: Delivery,
    params: SnapshotParams,
    *,
    as_of: int,
    previous: CanonicalGraph | None,
    previous_as_of: int | None,
) -> Change:
    """Bring the previous tables up to the delivery. Positions and edge order are append-only; costs one sort of edges.

    A new edge was first seen at its earliest time, clipped to (previous as-of, as-of]; without times, at the as-of. A
    returning edge keeps its first_seen and is alive since the as-of. An edge that a full dump lacks was removed; a log
    removes nothing. Events that are held are not held twice; which way they went is kept if every night said it.
    """
    before = previous or _nothing(delivery)
    living_ids = _union(delivery)
    node_ids, position = _append(before.tables.node_ids, living_ids)
    edges = _edges(delivery, params, before.tables, position, as_of)
    earliest = 0 if previous_as_of is None else previous_as_of + 1
    first_seen = _held_within(delivery.time, edges.rows, earliest, as_of)
    node_first_seen = _node_first_seen(before, edges.new, first_seen, len(node_ids), as_of)
    history = _history(delivery, before, position, node_first_seen, earliest=earliest, as_of=as_of)
    ways = _ways(delivery, edges, before.tables)
    events = new_events(delivery, edges.column, ways, before, kind=params.kind, earliest=earliest)
    tables = GraphTables(
        node_ids=node_ids,
        features=None if history is None else history.newest(len(node_ids)),
        edges=np.concatenate([before.tables.edges, edges.new], axis=1),
        first_seen=np.concatenate([before.tables.first_seen, first_seen]),
        removed_at=np.concatenate([edges.removed_at, np.full(len(first_seen), STILL_ALIVE)]),
        alive_since=np.concatenate([edges.alive_since, first_seen]),
        history=history,
        repeats=before.tables.repeats.and_then(events.repeats),
        first_forward=ways_of_both(before.tables.first_forward, ways.of_firsts(edges.rows)),
    )
    departed_at = _departed_at(before, position.get_indexer(pd.Index(living_ids)), len(node_ids), params, as_of)
    graph = CanonicalGraph(tables, node_first_seen, departed_at, before.late.and_then(events.late))
    counts = (len(first_seen), edges.removed, edges.returned, _late(delivery.time, edges.rows, previous_as_of))
    return Change(graph, *counts, repeated=len(events.repeats), late_repeats=events.late_repeats)


def _nothing(delivery: Delivery) -> CanonicalGraph:
    empty = np.zeros(0, dtype=np.int64)
    ids: Ids = np.zeros(0, dtype=np.str_ if delivery.ids_are_text else np.int64)
    no_ways = np.zeros(0, dtype=np.bool_)
    tables = GraphTables(ids, None, np.zeros((2, 0), dtype=np.int64), empty, empty, empty, first_forward=no_ways)
    return CanonicalGraph(tables, empty, empty)


def _union(delivery: Delivery) -> Ids:
    if delivery.nodes is None:
        return delivery.ids
    return np.asarray(pd.Index(delivery.nodes.ids).union(pd.Index(delivery.ids), sort=None))


def _append(old: Ids, living: Ids) -> tuple[Ids, pd.Index]:
    """Return the old ids with tonight's new ones sorted behind them, and the index from id to position."""
    kind = np.int64 if old.dtype.kind == "i" else np.str_
    known = pd.Index(old.astype(object) if kind is np.str_ else old)
    fresh = np.sort(living[known.get_indexer(pd.Index(living)) < 0])
    ids = np.concatenate([np.asarray(known), fresh])
    return ids.astype(kind), pd.Index(ids)


def _edges(delivery: Delivery, params: SnapshotParams, before: GraphTables, position: pd.Index, as_of: int) -> _Edges:
    """Compare the delivered edges with those ever held; the new ones come in the order of their positions."""
    codes = position.get_indexer(pd.Index(delivery.ids))
    ends = np.stack([codes[delivery.low], codes[delivery.high]])
    edges = np.sort(ends, axis=0).astype(np.int64)
    size = np.int64(len(position))
    known = pd.Index(before.edges[0] * size + before.edges[1])
    keys = edges[0] * size + edges[1]
    found = known.get_indexer(pd.Index(keys))
    new = np.flatnonzero(found < 0)
    new = new[np.argsort(keys[new])]
    here = np.zeros(len(known), dtype=np.bool_)
    here[found[found >= 0]] = True
    back = here & ~before.living
    gone = before.living & ~here if params.kind == "full_dump" else np.zeros_like(here)
    removed_at = np.where(here, STILL_ALIVE, before.removed_at)
    removed_at[gone] = as_of
    alive_since = np.where(back, as_of, before.alive_since)
    column = found.astype(np.int64)
    column[new] = len(known) + np.arange(len(new))
    turned = ends[0] > ends[1]
    return _Edges(edges[:, new], new, column, turned, removed_at, alive_since, int(gone.sum()), int(back.sum()))


def _ways(delivery: Delivery, edges: _Edges, before: GraphTables) -> DeliveredWays:
    """Return which way the delivered rows went; not where the graph began without saying it."""
    if before.first_forward is None or delivery.is_forth is None or delivery.repeat_is_forth is None:
        return DeliveredWays()
    return DeliveredWays(
        delivery.is_forth ^ edges.turned, delivery.repeat_is_forth ^ edges.turned[delivery.repeat_pair]
    )


def _late(time: Times | None, rows: NDArray[np.int64], previous_as_of: int | None) -> int:
    """Return how many of some rows have a time at or before the previous snapshot's as-of."""
    return 0 if time is None or previous_as_of is None else int((time[rows] <= previous_as_of).sum())


def _held_within(time: Times | None, rows: NDArray[np.int64], earliest: int, as_of: int) -> Times:
    """Return the times of some rows, clipped to [earliest, as-of]; without times, the as-of."""
    if time is None:
        return np.full(len(rows), as_of, dtype=np.int64)
    return np.clip(time[rows], earliest, as_of)


def _node_first_seen(
    before: CanonicalGraph, new_edges: NDArray[np.int64], first_seen: Times, num_nodes: int, as_of: int
) -> Times:
    """Return when each node was first seen: a new one at the time of its earliest edge, or at the as-of without one."""
    seen = np.full(num_nodes, as_of, dtype=np.int64)
    np.minimum.at(seen, new_edges.ravel(), np.tile(first_seen, 2))
    seen[: len(before.node_first_seen)] = before.node_first_seen
    return seen


def _departed_at(
    before: CanonicalGraph, here: NDArray[np.int64], num_nodes: int, params: SnapshotParams, as_of: int
) -> Times:
    """Return when each node left, STILL_ALIVE while it is in the graph; a log removes no node."""
    departed_at = np.full(num_nodes, as_of, dtype=np.int64)
    departed_at[: len(before.node_departed_at)] = np.minimum(before.node_departed_at, as_of)
    if params.kind == "event_log":
        departed_at[: len(before.node_departed_at)] = before.node_departed_at
    departed_at[here] = STILL_ALIVE
    return departed_at


def _history(
    delivery: Delivery,
    before: CanonicalGraph,
    position: pd.Index,
    node_first_seen: Times,
    *,
    earliest: int,
    as_of: int,
) -> FeatureHistory | None:
    """Return the history of the features; a night adds the values that are new or differ from the last known ones.

    An added value holds from the table's time, clipped to (previous as-of, as-of]. If the table gives no times, it
    holds from the as-of, and for a new node from when that was first seen. If the feature columns differ from the
    previous snapshot's, a new history begins, and the table's times are taken as they are.
    """
    if delivery.nodes is None or delivery.nodes.features is None:
        return None
    known = before.tables.history
    if known is None or known.columns != delivery.nodes.columns:
        known, earliest = FeatureHistory.empty(delivery.nodes.columns), 0
    node = position.get_indexer(pd.Index(delivery.nodes.ids)).astype(np.int64)
    values, times = delivery.nodes.features, delivery.nodes.times
    told = known.known(len(position))[node] & (known.newest(len(position))[node] == values).all(axis=1)
    rows = np.flatnonzero(~told)
    is_new = node[rows] >= before.tables.num_nodes
    since = np.where(is_new, node_first_seen[node[rows]], as_of) if times is None else times[rows]
    return known.with_changes(node[rows], np.clip(since, earliest, as_of), values[rows])
