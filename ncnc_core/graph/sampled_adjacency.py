"""A message graph cut down to what one batch needs: thinned rows, and the degrees of the whole graph."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.edge_dropout import entry_draws
from ncnc_core.graph.ragged_sum import ragged_sum


@dataclass(frozen=True, eq=False)
class SampledAdjacency:
    """The rows that one encoder layer needs of a batch's nodes, each thinned, over the nodes that it reads.

    `row_pointer` [rows + 1], `column` [entries] and `weight` [entries] are as in `Adjacency`. The first `num_rows` of
    the `num_nodes` nodes have rows; the others are only read. `row_scale` [rows]
    is a row's full length over the entries kept, so that row_scale * (sum over the row) is unbiased.
    `full_degree` [nodes] is the number of neighbours in the whole graph (less the target links that are removed), and
    `full_weight` the sum of their weights, where there are any: normalisation must not depend on the sample.
    `layers` are the graphs of the layers, this one first, each narrower than the one before; `structure` [nodes,
    structural] are the structural features, for a network that reads them.
    """

    row_pointer: Tensor
    column: Tensor
    num_nodes: int
    row_scale: Tensor
    full_degree: Tensor
    weight: Tensor | None = None
    full_weight: Tensor | None = None
    structure: Tensor | None = None
    inner: tuple[SampledAdjacency, ...] = ()

    @property
    def degree(self) -> Tensor:
        """The number of neighbours in the whole graph, [nodes]: fractional after edge dropout on a sample."""
        return self.full_degree

    @cached_property
    def row(self) -> Tensor:
        """The row of each entry, [entries]."""
        return torch.repeat_interleave(torch.arange(self.num_rows, device=self.column.device), self.row_pointer.diff())

    @property
    def num_rows(self) -> int:
        """The number of nodes that have a row here."""
        return self.row_pointer.numel() - 1

    def layer(self, number: int) -> SampledAdjacency:
        """Return the graph that layer `number` propagates on.

        Raises:
            InvalidGraph: the batch was sampled for fewer layers.
        """
        if number > len(self.inner):
            raise InvalidGraph(
                f"The batch was sampled for {len(self.inner) + 1} layers, but the encoder asks for layer {number + 1}. "
                "Give neighbor_fan_out one number a layer."
            )
        return self if number == 0 else self.inner[number - 1]

    def neighbor_sum(self, x: Float[Tensor, "nodes channels"], *, weighted: bool) -> Float[Tensor, "rows channels"]:
        """Return A x, each sum over a thinned row scaled up to the whole one."""
        total = ragged_sum(x, self.row_pointer, self.column, self.weight if weighted else None)
        return total * self.row_scale.to(total.dtype).unsqueeze(-1)

    def neighbor_max(self, values: Float[Tensor, " nodes"]) -> Float[Tensor, " nodes"]:
        """Return the largest value among the neighbours that are at hand, and 0 where none is above it."""
        return torch.zeros_like(values).scatter_reduce(0, self.row, values[self.column], "amax")

    def row_sums(self, dtype: torch.dtype, *, weighted: bool) -> Float[Tensor, " nodes"]:
        """Return the degrees in the whole graph, or with `weighted` and weights the sums of the weights there."""
        total = self.full_degree if self.full_weight is None or not weighted else self.full_weight
        return total.to(dtype)

    def dropped(self, probability: float, *, symmetric: bool) -> SampledAdjacency:
        """Return the graph with each entry dropped at this chance, or with `symmetric` each edge in both directions."""
        draw = entry_draws(self.column, self.num_nodes, self.row if symmetric else None)
        return self.masked(draw >= probability)

    def masked(self, keep: Bool[Tensor, " entries"]) -> SampledAdjacency:
        """Return the graph with only the kept entries, and with the degrees that the same draw would leave.

        A row that is at hand keeps the share of its degree that its sample keeps (the very degree where the row is
        whole). One that is not is drawn from the global generator, as edge dropout is: each of its entries is kept
        with the chance of all entries.
        """
        kept_before = torch.zeros(self.column.numel() + 1, dtype=torch.int64, device=self.column.device)
        torch.cumsum(keep, 0, out=kept_before[1:])
        pointer = kept_before[self.row_pointer]
        of_all = float(kept_before[-1]) / max(self.column.numel(), 1)
        degree = self.full_degree.to(torch.float32)
        share = torch.binomial(degree, torch.full_like(degree, of_all)) / degree.clamp(min=1)
        lengths = self.row_pointer.diff()
        share[: self.num_rows] = torch.where(lengths > 0, pointer.diff() / lengths.clamp(min=1), share[: self.num_rows])
        return SampledAdjacency(
            pointer,
            self.column[keep],
            self.num_nodes,
            weight=None if self.weight is None else self.weight[keep],
            row_scale=self.row_scale,
            full_degree=self.full_degree * share,
            full_weight=None if self.full_weight is None else self.full_weight * share,
            structure=self.structure,
            inner=self.inner,
        )

    def to(self, device: torch.device | str) -> SampledAdjacency:
        """Return the graph, all its layers, on a device."""

        def moved(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(device)

        return SampledAdjacency(
            self.row_pointer.to(device),
            self.column.to(device),
            self.num_nodes,
            weight=moved(self.weight),
            row_scale=self.row_scale.to(device),
            full_degree=self.full_degree.to(device),
            full_weight=moved(self.full_weight),
            structure=moved(self.structure),
            inner=tuple(layer.to(device) for layer in self.inner),
        )
