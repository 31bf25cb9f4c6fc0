"""One step of message passing: what a node gets from its neighbours, on one draw of the message graph."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ncnc_core.adjacency import Adjacency
from ncnc_core.ragged_sum import ragged_sum


@dataclass(frozen=True, eq=False)
class Propagation:
    """The matrix W that a layer multiplies with: one draw of the graph, and what an entry that was spared weighs.

    `weighted` takes the edges' own weights too; without it only the support counts.
    """

    adjacency: Adjacency
    survivor_weight: float = 1.0
    weighted: bool = False

    def total(self, x: Float[Tensor, "nodes channels"]) -> Float[Tensor, "nodes channels"]:
        """Return W x."""
        return self.survivor_weight * neighbor_sum(self.adjacency, x, self._weight)

    def mean(self, x: Float[Tensor, "nodes channels"]) -> Float[Tensor, "nodes channels"]:
        """Return D^-1 W x, D the row sums of W; zeros at a node without neighbours.

        The survivors' weight cancels: the published mean divides by their number, and so is 1 / (1 - p) too large
        in training and right in evaluation.
        """
        divisor = self._row_sum(x)
        return neighbor_sum(self.adjacency, x, self._weight) / torch.where(divisor > 0, divisor, 1)

    def normalized(self, x: Float[Tensor, "nodes channels"]) -> Float[Tensor, "nodes channels"]:
        """Return S (W + I) S x with S = (1 + D)^-1/2: what puregcn and GCN share."""
        s = (1 + self.survivor_weight * self._row_sum(x)).rsqrt()
        scaled = s * x
        return s * (self.total(scaled) + scaled)

    @property
    def _weight(self) -> Tensor | None:
        return self.adjacency.weight if self.weighted else None

    def _row_sum(self, x: Tensor) -> Tensor:
        """Return D without the survivors' weight, [nodes, 1]."""
        if self._weight is None:
            return self.adjacency.degree.to(x.dtype).unsqueeze(-1)
        pointer = self.adjacency.row_pointer
        return torch.segment_reduce(self._weight.to(x.dtype), "sum", offsets=pointer, initial=0).unsqueeze(-1)


def neighbor_sum(
    adjacency: Adjacency, x: Float[Tensor, "nodes channels"], weight: Float[Tensor, " entries"] | None = None
) -> Float[Tensor, "nodes channels"]:
    """Return A x, A the support or, with a weight an entry, the weighted matrix."""
    return ragged_sum(x, adjacency.row_pointer, adjacency.column, weight, symmetric=adjacency.symmetric)
