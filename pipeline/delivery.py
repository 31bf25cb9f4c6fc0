"""What a source delivered for one night, in memory: rows as they came, each with its row number."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Ids = NDArray[np.generic]


@dataclass(frozen=True)
class Pairs:
    """The delivered edges as codes into their sorted unique ids, low <= high whatever direction they came in.

    ids [n]: sorted. low, high [rows]: positions in ids. Equal ones are a self-loop.
    """

    ids: Ids
    low: NDArray[np.int64]
    high: NDArray[np.int64]

    @property
    def keys(self) -> NDArray[np.int64]:
        """One int64 for each pair, [rows]: the same whatever the direction."""
        return self.low * np.int64(len(self.ids)) + self.high


@dataclass(frozen=True, eq=False)
class Delivery:
    """One delivered graph, its values checked, its graph not yet.

    source, target [rows]: int64 or str objects. time [rows]: unix seconds, or None. row [rows]: 1-based data rows of
    edges_file. node_ids [n], features [n, f] float32: the node table, or None. num_ignored: events after the as-of.
    """

    edges_file: str
    nodes_file: str | None
    sha256: str
    source: Ids
    target: Ids
    time: NDArray[np.int64] | None
    row: NDArray[np.int64]
    node_ids: Ids | None = None
    features: NDArray[np.float32] | None = None
    num_ignored: int = 0

    @property
    def ids_are_text(self) -> bool:
        """Whether ids are strings rather than integers."""
        return self.source.dtype.kind != "i"

    @cached_property
    def pairs(self) -> Pairs:
        """The rows as undirected pairs; sorts the ids once, in O(rows log rows)."""
        codes, ids = pd.factorize(np.concatenate([self.source, self.target]), sort=True)
        half = len(self.source)
        ends = np.stack([codes[:half], codes[half:]]).astype(np.int64)
        return Pairs(ids=np.asarray(ids), low=ends.min(axis=0), high=ends.max(axis=0))
