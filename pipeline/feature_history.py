"""What the nodes' features were, and since when: an earlier time can be asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FeatureHistory:
    """Every value a node's features ever had, each with the time from which it holds.

    columns: the source's names of the features. node [v]: positions; the values of one node stand in the order of
    their times. since [v]: unix seconds. values [v, f] float32.
    """

    columns: tuple[str, ...]
    node: NDArray[np.int64]
    since: Times
    values: NDArray[np.float32]

    @classmethod
    def empty(cls, columns: tuple[str, ...]) -> FeatureHistory:
        """Return a history of nothing yet."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls(columns, nothing, nothing, np.zeros((0, len(columns)), dtype=np.float32))

    def at(self, time: int, num_nodes: int) -> NDArray[np.float32]:
        """Return each node's features as they were at a time, [nodes, f]; zeros where none were known by then."""
        known = np.flatnonzero(self.since <= time)
        features = np.zeros((num_nodes, len(self.columns)), dtype=np.float32)
        features[self.node[known]] = self.values[known]  # of a node's several values the last one stays
        return features

    def newest(self, num_nodes: int) -> NDArray[np.float32]:
        """Return each node's features as they are now, [nodes, f]; zeros where there are none."""
        return self.at(np.iinfo(np.int64).max, num_nodes)

    def known(self, num_nodes: int) -> NDArray[np.bool_]:
        """Return which nodes have ever had features, [nodes]: the zeros of the others tell nothing."""
        known = np.zeros(num_nodes, dtype=np.bool_)
        known[self.node] = True
        return known

    def with_changes(self, node: NDArray[np.int64], since: Times, values: NDArray[np.float32]) -> FeatureHistory:
        """Return the history with later values behind it, sorted by node within this addition."""
        order = np.argsort(node, kind="stable")
        return FeatureHistory(
            self.columns,
            np.concatenate([self.node, node[order]]),
            np.concatenate([self.since, since[order]]),
            np.concatenate([self.values, values[order]]),
        )
