"""The canonical tables of a night, from the previous night's and what was delivered: pure, whatever the row order."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.delivery import Delivery, Ids
from pipeline.graph_tables import STILL_ALIVE, GraphTables
from pipeline.params import SnapshotParams
from pipeline.snapshot_files import CanonicalGraph, read_graph

Times = NDArray[np.int64]


@dataclass(frozen=True)
class Change:
    """Tonight's graph, and how many edges came, went and came back since the previous snapshot.

    late: how many of the added edges have a time that lies before the previous snapshot.
    """

    graph: CanonicalGraph
    added: int
    removed: int
    returned: int
    late: int = 0


def build(
    delivery: Delivery,
    params: SnapshotParams,
    *,
    as_of: int,
    previous: CanonicalGraph | None,
    previous_as_of: int | None,
) -> Change:
    """Bring the previous tables to delivery. Positions and edge order are append-only; cost is one sort of the edges.

    A new edge was first seen at its earliest time, held within (previous as-of, as-of]; without times, at the as-of.
    A returning edge keeps its first_seen and is alive since the as-of. In a full dump what is missing was removed; a
    log removes nothing.
    """
    before = previous or _nothing(delivery)
    living_ids = _union(delivery)
    node_ids, position = _append(before.tables.node_ids, living_ids)
    codes = position.get_indexer(pd.Index(delivery.ids))
    edges = np.sort(np.stack([codes[delivery.low], codes[delivery.high]]), axis=0).astype(np.int64)

    size = np.int64(len(node_ids))
    known = pd.Index(before.tables.edges[0] * size + before.tables.edges[1])
    keys = edges[0] * size + edges[1]
    found = known.get_indexer(pd.Index(keys))
    new = np.flatnonzero(found < 0)
    new = new[np.argsort(keys[new])]
    here = np.zeros(len(known), dtype=np.bool_)
    here[found[found >= 0]] = True
    lived = before.tables.living
    gone = lived & ~here if params.kind == "full_dump" else np.zeros_like(lived)

    removed_at = np.where(here, STILL_ALIVE, before.tables.removed_at)
    removed_at[gone] = as_of
    alive_since = np.where(here & ~lived, as_of, before.tables.alive_since)
    first_seen = _first_seen(delivery.time, new, as_of, previous_as_of)
    tables = GraphTables(
        node_ids=node_ids,
        features=_features(delivery, before.tables, position),
        edges=np.concatenate([before.tables.edges, edges[:, new]], axis=1),
        first_seen=np.concatenate([before.tables.first_seen, first_seen]),
        removed_at=np.concatenate([removed_at, np.full(len(new), STILL_ALIVE)]),
        alive_since=np.concatenate([alive_since, first_seen]),
    )
    alive = np.zeros(len(node_ids), dtype=np.bool_)
    alive[position.get_indexer(pd.Index(living_ids))] = True
    if params.kind == "event_log":
        alive[: len(before.node_living)] |= before.node_living
    graph = CanonicalGraph(tables, _node_first_seen(before, tables, as_of), alive)
    late = 0 if delivery.time is None or previous_as_of is None else int((delivery.time[new] <= previous_as_of).sum())
    return Change(graph, added=len(new), removed=int(gone.sum()), returned=int((here & ~lived).sum()), late=late)


def content_id(graph: CanonicalGraph) -> str:
    """Return the sha256 over the living nodes, their features and the living edges, all in the order of their ids.

    Equal graphs are equal, whatever file, row order or history they come from: no position and no time enters.
    """
    tables = graph.tables
    living = np.flatnonzero(graph.node_living)
    living = living[np.argsort(tables.node_ids[living], kind="stable")]
    rank = np.full(tables.num_nodes, -1, dtype=np.int64)
    rank[living] = np.arange(len(living))
    pairs = np.sort(rank[tables.edges[:, tables.living]], axis=0)
    pairs = pairs[:, np.lexsort((pairs[1], pairs[0]))]
    kind = "int64" if tables.node_ids.dtype.kind == "i" else "string"
    width = tables.features.shape[1] if tables.features is not None else 0
    digest = hashlib.sha256(f"ncnc graph 1 {kind} {len(living)} {pairs.shape[1]} {width}\n".encode())
    digest.update(json.dumps(tables.node_ids[living].tolist()).encode())
    digest.update(np.ascontiguousarray(pairs.T, dtype="<i8").tobytes())
    if tables.features is not None:
        digest.update(np.ascontiguousarray(tables.features[living], dtype="<f4").tobytes())
    return digest.hexdigest()


def read_tables(folder: Path) -> GraphTables:
    """Read a snapshot's folder into the tables that the steps after `snapshot` work on.

    Raises:
        TamperedRecord: the files contradict each other.
    """
    return read_graph(folder).tables


def _nothing(delivery: Delivery) -> CanonicalGraph:
    empty = np.zeros(0, dtype=np.int64)
    ids: Ids = np.zeros(0, dtype=np.str_ if delivery.ids_are_text else np.int64)
    tables = GraphTables(ids, None, np.zeros((2, 0), dtype=np.int64), empty, empty, empty)
    return CanonicalGraph(tables, empty, np.zeros(0, dtype=np.bool_))


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


def _first_seen(time: Times | None, new: NDArray[np.int64], as_of: int, previous_as_of: int | None) -> Times:
    if time is None:
        return np.full(len(new), as_of, dtype=np.int64)
    earliest = 0 if previous_as_of is None else previous_as_of + 1
    return np.clip(time[new], earliest, as_of)


def _node_first_seen(before: CanonicalGraph, tables: GraphTables, as_of: int) -> Times:
    """Return when each node was first seen: a new one with its earliest edge, without an edge at the as-of."""
    seen = np.full(tables.num_nodes, as_of, dtype=np.int64)
    np.minimum.at(seen, tables.edges.ravel(), np.tile(tables.first_seen, 2))
    seen[: len(before.node_first_seen)] = before.node_first_seen
    return seen


def _features(delivery: Delivery, before: GraphTables, position: pd.Index) -> NDArray[np.float32] | None:
    """Return features by position: tonight's; else what a departed node had; else, for an unknown node, zeros."""
    if delivery.nodes is None or delivery.nodes.features is None:
        return None
    features = np.zeros((len(position), delivery.nodes.features.shape[1]), dtype=np.float32)
    if before.features is not None and before.features.shape[1] == features.shape[1]:
        features[: before.num_nodes] = before.features
    features[position.get_indexer(pd.Index(delivery.nodes.ids))] = delivery.nodes.features
    return features
