"""The first layer of a sampled batch read straight from the features of the whole graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.ragged_sum import ragged_sum
from ncnc_core.graph.sampled_adjacency import SampledAdjacency
from ncnc_core.inputs.features import feature_rows
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.propagation import Propagation


@dataclass(frozen=True, eq=False, kw_only=True)
class GatheredRows(SampledAdjacency):
    """The rows of the first layer, their columns in positions of the whole graph; `num_nodes` is the number of rows.

    `entry_degree` [entries] is the `full_degree`, or where the layer reads weights the `full_weight`, of each column.
    """

    entry_degree: Tensor

    def dropped(self, probability: float, *, symmetric: bool) -> GatheredRows:
        """Refuse: `entry_degree` would have to change with every draw.

        Raises:
            InvalidGraph: always; `can_gather` says beforehand where edges will be dropped.
        """
        raise InvalidGraph(
            f"Rows that are read straight from the features drop no edges, but encoder_edge_dropout is {probability}. "
            "Draw the batch for the network in training mode."
        )

    def to(self, device: torch.device | str) -> GatheredRows:
        """Return the rows, and the graphs of the other layers, on a device."""
        moved = super().to(device)
        return GatheredRows(**{**moved.__dict__, "entry_degree": self.entry_degree.to(device)})


def can_gather(network: LinkNetwork, features: Tensor | None) -> bool:
    """Return whether the first layer can sum features before the input stage, for a network in its present mode.

    Sum and Linear change places where nothing stands between them, no dropout, and where all that is summed are the
    (dense) features as given. A node that is only read then costs the reading of its features and nothing else, with
    no gradient, where it would cost a row of the Linear forward and backward: nine of ten nodes of a batch are such.
    """
    config = network.config
    if features is None or features.layout != torch.strided or features.shape[1:] != (network.num_features,):
        return False
    is_plain = network.num_ids == 0 and not network.uses_structure
    drops = config.feature_dropout or config.encoder_dropout or config.encoder_edge_dropout
    return bool(network.encoder.convolutions) and is_plain and not (network.training and drops)


def encode_gathered(
    network: LinkNetwork, features: Float[Tensor, "whole features"], nodes: Tensor, rows: GatheredRows
) -> Float[Tensor, "rows channels"]:
    """Return the embeddings of a batch of `nodes`, [rows], as `network.encode` would from all columns' rows."""
    encoder, device = network.encoder, rows.column.device
    own = network.inputs(feature_rows(features, nodes).to(device), rows)
    first = FeaturePropagation(
        rows, weighted=encoder.edge_weights, rows=rows, features=features, transform=_transform(network)
    )
    draws: list[Callable[[], Propagation]] = [lambda: first]
    draws += [partial(Propagation, layer, 1.0, encoder.edge_weights) for layer in rows.inner]
    embeddings: Tensor = encoder.propagated(encoder.input(own, None, rows.num_nodes), draws)
    return embeddings


@dataclass(frozen=True, eq=False, kw_only=True)
class FeaturePropagation(Propagation):
    """Propagation of W L(f) as L(W f): what it is given are the rows' own values, the neighbours it reads itself.

    `transform` takes (sum of the features, sum of the weights) to the channels that the layer propagates.
    """

    rows: GatheredRows
    features: Tensor
    transform: Callable[[Tensor, Tensor], Tensor]

    def normalized(self, x: Float[Tensor, "nodes channels"]) -> Float[Tensor, "rows channels"]:
        """Return S (W + I) S L(f), given L(f) of the rows' own nodes."""
        s = (1 + self._row_sum(x)).rsqrt()
        around = (1 + self.rows.entry_degree.to(s.dtype)).rsqrt()
        weight = self._weight
        return s * (self._sums(around if weight is None else around * weight) + s * x)

    @property
    def _weight(self) -> Tensor | None:
        return self.rows.weight if self.weighted else None

    def _sum(self, x: Tensor) -> Tensor:
        return self._sums(self._weight)

    def _sums(self, weight: Tensor | None) -> Tensor:
        rows = self.rows
        with torch.no_grad():
            table, column = _table(self.features, rows.column)
            total = ragged_sum(table, rows.row_pointer, column, weight) * rows.row_scale.unsqueeze(-1)
            if weight is None:
                weights = rows.row_pointer.diff() * rows.row_scale
            else:
                weights = torch.segment_reduce(weight, "sum", offsets=rows.row_pointer, initial=0) * rows.row_scale
        return self.transform(total, weights.unsqueeze(-1))


def _transform(network: LinkNetwork) -> Callable[[Tensor, Tensor], Tensor]:
    linear = network.encoder.input.linear
    if linear is None:  # GCN has its own weights first, and no bias in them
        theta = network.encoder.convolutions[0].get_submodule("lin")
        return lambda total, weights: theta(total)
    return lambda total, weights: torch.nn.functional.linear(total, linear.weight) + weights * linear.bias


def _table(features: Tensor, column: Tensor) -> tuple[Tensor, Tensor]:
    """Return rows to sum, on the columns' device, and where each column's stands."""
    if features.device == column.device:
        return features, column
    distinct, place = torch.unique(column, return_inverse=True)
    return feature_rows(features, distinct).to(column.device), place
