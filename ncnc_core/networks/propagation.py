"""One step of message passing: what a node gets from its neighbours, on one draw of the message graph."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ncnc_core.graph.roles import MessageGraph


@dataclass(frozen=True, eq=False)
class Propagation:
    """The matrix W that a layer multiplies with: one draw of the graph, and what an entry that was spared weighs.

    `weighted` takes the edges' own weights too; without it only the support counts. On a sampled batch only the first
    nodes have rows; sums over a thinned row are scaled up to the whole one, and D is that of the whole graph.
    """

    graph: MessageGraph
    survivor_weight: float = 1.0
    weighted: bool = False

    def total(self, x: Float[Tensor, "nodes channels"]) -> Float[Tensor, "rows channels"]:
        """Return W x."""
        summed = self._sum(x)
        return summed if self.survivor_weight == 1 else self.survivor_weight * summed  # a pass over all nodes, and back

    def mean(self, x: Float[Tensor, "nodes channels"]) -> Float[Tensor, "rows channels"]:
        """Return D^-1 W x, D the row sums of W; zeros at a node without neighbours.

        The survivors' weight cancels: the published mean divides by their number, and so is 1 / (1 - p) too large
        in training and right in evaluation.
        """
        divisor = self.own(self._row_sum(x))
        return self._sum(x) / torch.where(divisor > 0, divisor, 1)

    def normalized(self, x: Float[Tensor, "nodes channels"]) -> Float[Tensor, "rows channels"]:
        """Return S (W + I) S x with S = (1 + D)^-1/2: what puregcn and GCN share."""
        s = (1 + self.survivor_weight * self._row_sum(x)).rsqrt()
        scaled = s * x
        return self.own(s) * (self.total(scaled) + self.own(scaled))

    def own(self, x: Float[Tensor, "nodes channels"]) -> Float[Tensor, "rows channels"]:
        """Return the values of the nodes that have a row."""
        rows = self.graph.num_rows
        return x if rows == x.shape[0] else x[:rows]  # a whole slice would still cost the backward pass a copy

    def _sum(self, x: Tensor) -> Tensor:
        """Return W x without the survivors' weight, [rows, channels]."""
        return self.graph.neighbor_sum(x, weighted=self.weighted)

    def _row_sum(self, x: Tensor) -> Tensor:
        """Return D without the survivors' weight, [nodes, 1]."""
        dtype = torch.promote_types(x.dtype, torch.float32)  # bfloat16 holds no degree above 256 exactly
        return self.graph.row_sums(dtype, weighted=self.weighted).unsqueeze(-1)
