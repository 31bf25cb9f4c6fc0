"""Scores that need no training: the floor every model must beat."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.config.choices import HeuristicName
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.cost_chunks import cost_chunks

ENTRIES_AT_ONCE = 2**22  # common neighbours listed at a time, 24 bytes each: at most 100 MiB
Heuristic = Callable[[Adjacency, Tensor], Tensor]


def common_neighbor_count(adjacency: Adjacency, pairs: Int64[Tensor, "2 pairs"]) -> Float[Tensor, " pairs"]:
    """Count the nodes adjacent to both ends of each pair."""
    return _weighted_overlap(adjacency, pairs, torch.ones_like(adjacency.degree, dtype=torch.float64))


def adamic_adar(adjacency: Adjacency, pairs: Int64[Tensor, "2 pairs"]) -> Float[Tensor, " pairs"]:
    """Sum 1 / log(degree) over the common neighbours of each pair.

    A common neighbour of two nodes has degree two or more; only a pair of a node with itself can reach degree one,
    whose 1 / log(1) counts as zero. Source: Adamic, Adar, Friends and neighbors on the Web, 2003.
    """
    degree = adjacency.degree.double()
    return _weighted_overlap(adjacency, pairs, torch.where(degree > 1, 1 / degree.clamp(min=2).log(), 0.0))


def resource_allocation(adjacency: Adjacency, pairs: Int64[Tensor, "2 pairs"]) -> Float[Tensor, " pairs"]:
    """Sum 1 / degree over the common neighbours of each pair.

    Source: Zhou, Lü, Zhang, Predicting missing links via local information, 2009.
    """
    return _weighted_overlap(adjacency, pairs, 1 / adjacency.degree.double().clamp(min=1))


def preferential_attachment(adjacency: Adjacency, pairs: Int64[Tensor, "2 pairs"]) -> Float[Tensor, " pairs"]:
    """Multiply the degrees of the two ends of each pair; float64, for float32 ties neighbouring numbers from 2^24."""
    return (adjacency.degree[pairs[0]] * adjacency.degree[pairs[1]]).double()


HEURISTICS: dict[HeuristicName, Heuristic] = {
    "common_neighbors": common_neighbor_count,
    "adamic_adar": adamic_adar,
    "resource_allocation": resource_allocation,
    "preferential_attachment": preferential_attachment,
}


def _weighted_overlap(adjacency: Adjacency, pairs: Tensor, weight: Tensor) -> Tensor:
    """Sum the weights of the common neighbours of each pair, float32.

    Sums run in float64, in the order of the node numbers, and are then rounded: equal overlaps tie. ENTRIES_AT_ONCE
    bounds the memory, not the result.
    """
    shorter = adjacency.degree[pairs].amin(0)  # no list is longer
    scores = [weight.new_zeros(0)]
    for part in cost_chunks(1 + shorter, ENTRIES_AT_ONCE):
        common = adjacency.common_neighbors(pairs[:, part])
        total = weight.new_zeros(common.row_pointer.numel() - 1)
        scores.append(total.index_add_(0, common.owner, weight[common.node]))
    return torch.cat(scores).float()
