"""A graph snapshot in memory: ids, features, and every edge that ever was with the times it came and went."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.feature_history import FeatureHistory

STILL_ALIVE = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class GraphTables:
    """One snapshot. Times are unix seconds, UTC; nodes are positions 0..n-1 that never change between snapshots.

    node_ids [n]: int64 or str, the source's ids by position. features [n, f] float32, as they are now, or None.
    edges [2, e]: every undirected edge ever held, source < target as positions. first_seen [e]: when it was first
    held (a returning edge keeps it). removed_at [e]: when it was last removed, STILL_ALIVE while it lives.
    alive_since [e]: the start of its last life: first_seen, or when it last came back. history: what the features
    were before; None where they have no dates.
    """

    node_ids: NDArray[np.generic]
    features: NDArray[np.float32] | None
    edges: NDArray[np.int64]
    first_seen: NDArray[np.int64]
    removed_at: NDArray[np.int64]
    alive_since: NDArray[np.int64]
    history: FeatureHistory | None = None

    @property
    def num_nodes(self) -> int:
        """The number of nodes ever held."""
        return len(self.node_ids)

    @property
    def living(self) -> NDArray[np.bool_]:
        """The mask of the edges alive in this snapshot, [e]."""
        return np.equal(self.removed_at, STILL_ALIVE)

    def features_at(self, time: int) -> NDArray[np.float32] | None:
        """Return the features as they were known at a time, zeros where they came later; undated ones as they are."""
        if self.features is None or self.history is None:
            return self.features
        return self.history.at(time, self.num_nodes)
