"""Ids that seem to stand for another node than before: positions and embeddings would mix the two nodes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.graphs.tables import CanonicalGraph, Change

Mask = NDArray[np.bool_]
MOST = 0.5


def reused_ids(change: Change, previous: CanonicalGraph) -> Mask:
    """Return the positions whose id seems to have been given to another node since the previous snapshot, [n].

    An id is taken as reused where
    - it had departed, is back, and every one of its features differs from those it left with;
    - it had departed, is back, and has none of its earlier edges;
    - it stayed, and all of its features, two or more, changed at once, while most nodes kept at least one. If most
      nodes kept none, the features themselves were computed anew.

    O(edges + nodes x features) in time, O(edges + nodes) in memory.
    """
    tables, old = change.graph.tables, previous.tables
    known, living = old.num_nodes, change.graph.node_living
    stayed, returned = np.zeros_like(living), np.zeros_like(living)
    stayed[:known] = living[:known] & previous.node_living
    # A node of a node table may never have had an edge: then there are no earlier edges to compare.
    had_edges = np.zeros(known, dtype=np.bool_)
    had_edges[old.edges.ravel()] = True
    returned[:known] = living[:known] & ~previous.node_living
    changed = _all_features_differ(change, previous)
    reused = returned & changed
    strangers = returned & ~_has_edge(change, slice(None, old.edges.shape[1])) & _has_edge(change, slice(None))
    strangers[:known] &= had_edges
    reused |= strangers
    moved = stayed & changed
    several = tables.features is not None and tables.features.shape[1] > 1
    if several and moved.sum() <= MOST * stayed.sum():
        reused |= moved
    return reused


def _has_edge(change: Change, which: slice) -> Mask:
    """Return which positions have a living edge among some of the edges."""
    tables = change.graph.tables
    found = np.zeros(tables.num_nodes, dtype=np.bool_)
    found[tables.edges[:, which][:, tables.living[which]].ravel()] = True
    return found


def _all_features_differ(change: Change, previous: CanonicalGraph) -> Mask:
    """Return the positions whose features all differ from the previous snapshot's; none if the columns differ."""
    now, before = change.graph.tables, previous.tables
    differ = np.zeros(now.num_nodes, dtype=np.bool_)
    if now.features is None or before.features is None or now.history is None or before.history is None:
        return differ
    if now.history.columns != before.history.columns:
        return differ
    # A node without known features had zeros, which do not count.
    differ[: before.num_nodes] = before.history.known(before.num_nodes)
    # Column by column, to hold one mask at a time.
    for column in range(before.features.shape[1]):
        differ[: before.num_nodes] &= now.features[: before.num_nodes, column] != before.features[:, column]
    return differ
