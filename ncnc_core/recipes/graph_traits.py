"""What is measured of a graph before a model is chosen for it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ncnc_core.evaluation.heuristics import common_neighbor_count
from ncnc_core.graph.adjacency import Adjacency

SAMPLED_EDGES = 2000  # for the share of closed edges: a standard error of one point


@dataclass(frozen=True)
class GraphTraits:
    """The properties that a choice of model rests on.

    `edge_degree` is E[d^2] / E[d], the degree of a node at the end of a random edge: what an overlap costs.
    `closed_share` is the share of edges whose two nodes have a common neighbour: how much an overlap can tell.
    `feature_density` is the share of feature values that are not zero, 1 where there are none.
    """

    num_nodes: int
    num_edges: int
    edge_degree: float
    closed_share: float
    num_features: int
    feature_density: float
    has_ids: bool
    has_weights: bool
    arrivals: Tensor | None
    has_directions: bool

    @classmethod
    def of(cls, adjacency: Adjacency, features: Tensor | None, generator: torch.Generator) -> GraphTraits:
        """Measure a graph: O(edges + feature values), and the overlap of at most 2,000 drawn edges."""
        has_ids = features is not None and features.dim() == 1
        degree = adjacency.degree.to(torch.float64)
        return cls(
            num_nodes=adjacency.num_nodes,
            num_edges=adjacency.num_edges,
            edge_degree=float(degree.square().sum() / degree.sum()) if adjacency.num_edges else 0.0,
            closed_share=_closed_share(adjacency, generator),
            num_features=0 if features is None or has_ids else features.shape[1],
            feature_density=1.0 if features is None or has_ids else _density(features),
            has_ids=has_ids,
            # Weights below 0 are nothing that an encoder can propagate, and equal ones say nothing.
            has_weights=adjacency.weight is not None
            and adjacency.weight.numel() > 0
            and float(adjacency.weight.min()) >= 0
            and float(adjacency.weight.min()) < float(adjacency.weight.max()),
            arrivals=None if adjacency.times is None else adjacency.times.arrivals,
            has_directions=adjacency.times is not None and adjacency.times.sent is not None,
        )


def _closed_share(adjacency: Adjacency, generator: torch.Generator) -> float:
    if adjacency.num_edges == 0:
        return 0.0
    entry = torch.randint(adjacency.column.numel(), (min(SAMPLED_EDGES, adjacency.num_edges),), generator=generator)
    entry = entry.to(adjacency.column.device)
    source = torch.searchsorted(adjacency.row_pointer, entry, right=True) - 1  # the row: no list of all rows is made
    counts = common_neighbor_count(adjacency, torch.stack([source, adjacency.column[entry]]))
    return float((counts > 0).double().mean())


def _density(features: Tensor) -> float:
    values = features.values() if features.layout == torch.sparse_csr else features
    return int(torch.count_nonzero(values)) / max(features.shape[0] * features.shape[1], 1)
