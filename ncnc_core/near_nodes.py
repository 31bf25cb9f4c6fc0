"""The nodes near a node in the plane, to draw one of them at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ncnc_core.random_spatial_network import RandomSpatialNetworkConfig, near_pairs

CANDIDATES = 6  # drawn by nearness, before one is chosen by its chance


@dataclass(frozen=True, eq=False)
class NearNodes:
    """The active nodes near each node, to draw from by the kernel and their degrees.

    `node` [m] in rows that end at `row_end` [nodes], with the sums of their weights up to each, over all rows. Of
    every active node, whatever its distance, `anywhere` [active] and the sums of the degrees.
    """

    node: NDArray[np.int64]
    until: NDArray[np.float64]
    row_end: NDArray[np.int64]
    anywhere: NDArray[np.int64]
    anywhere_until: NDArray[np.float64]
    hop_fraction: float

    @classmethod
    def among(
        cls,
        active: NDArray[np.int64],
        places: RandomSpatialNetworkConfig,
        positions: NDArray[np.float64],
        expected_degrees: NDArray[np.float64],
    ) -> NearNodes:
        """Take the nodes at the positions `active`; `positions` and `expected_degrees` are those of all nodes."""
        low, high, rate = near_pairs(places, positions[active], expected_degrees[active])
        row, node = active[np.concatenate([low, high])], active[np.concatenate([high, low])]
        order = np.lexsort((node, row))  # the tree gives pairs in an order of its own
        row_end = np.bincount(row, minlength=len(positions)).cumsum()
        weight = np.concatenate([rate, rate])[order] / expected_degrees[row[order]]
        degrees = expected_degrees[active].cumsum()
        return cls(node[order], weight.cumsum(), row_end, active, degrees, places.hop_fraction)

    def drawn(
        self, rows: NDArray[np.int64], chance: NDArray[np.float64], random: np.random.Generator
    ) -> NDArray[np.int64]:
        """Return a partner for each row: of CANDIDATES drawn nodes, one in proportion to its `chance` [nodes].

        A share `hop_fraction` is drawn without regard to distance or chance. -1 where there is nobody.
        """
        chosen = self._drawn_near(rows, chance, random)
        hops = random.random(len(rows)) < self.hop_fraction
        wanted = random.random(int(hops.sum())) * self.anywhere_until[-1:]
        far = self.anywhere[np.searchsorted(self.anywhere_until, wanted)]
        chosen[hops] = np.where(far == rows[hops], -1, far)
        return chosen

    def _drawn_near(
        self, rows: NDArray[np.int64], chance: NDArray[np.float64], random: np.random.Generator
    ) -> NDArray[np.int64]:
        if not len(self.node):
            return np.full(len(rows), -1)
        sums = np.concatenate([[0.0], self.until])
        start, end = sums[np.concatenate([[0], self.row_end])[rows]], sums[self.row_end[rows]]
        wanted = start[:, None] + random.random((len(rows), CANDIDATES)) * (end - start)[:, None]
        last = np.maximum(self.row_end[rows] - 1, 0)[:, None]  # rounding must not lead into the next row
        found = self.node[np.minimum(np.searchsorted(self.until, wanted, side="right"), last)]
        picked = (chance[found].cumsum(1) < (random.random(len(rows)) * chance[found].sum(1))[:, None]).sum(1)
        return np.where(end > start, found[np.arange(len(rows)), picked], -1)
