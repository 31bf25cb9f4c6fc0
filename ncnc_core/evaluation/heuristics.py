"""Scores that need no training: the floor every model must beat."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.config.choices import HeuristicName
from ncnc_core.graph.adjacency import Adjacency, contains_keys

ENTRIES_AT_ONCE = 2**22  # candidate common neighbours in memory: about 150 MiB of int64 temporaries
Heuristic = Callable[[Adjacency, Tensor], Tensor]


def common_neighbors(adjacency: Adjacency, pairs: Int64[Tensor, "2 pairs"]) -> Float[Tensor, " pairs"]:
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
    """Multiply the degrees of the two ends of each pair."""
    return (adjacency.degree[pairs[0]] * adjacency.degree[pairs[1]]).float()


HEURISTICS: dict[HeuristicName, Heuristic] = {
    "common_neighbors": common_neighbors,
    "adamic_adar": adamic_adar,
    "resource_allocation": resource_allocation,
    "preferential_attachment": preferential_attachment,
}


def _weighted_overlap(adjacency: Adjacency, pairs: Tensor, weight: Tensor) -> Tensor:
    """Sum the weights of the common neighbours of each pair, float32.

    Walks the neighbours of the end with fewer and looks each up among the sorted edge keys: O(sum of the smaller
    degrees * log edges) time, so a hub costs nothing beside a small node, and ENTRIES_AT_ONCE entries of memory
    (or one pair's, where that is more). Sums run in float64, in the order of the node numbers, and are then rounded:
    equal overlaps tie.
    """
    degree = adjacency.degree
    swap = degree[pairs[0]] > degree[pairs[1]]
    small = torch.where(swap, pairs[1], pairs[0])
    large = torch.where(swap, pairs[0], pairs[1])
    block_sizes = torch.bincount(degree[small].cumsum(0) // ENTRIES_AT_ONCE).tolist()
    blocks = zip(torch.split(small, block_sizes), torch.split(large, block_sizes), strict=True)
    scores = [_overlap_of_block(adjacency, *block, weight) for block in blocks]
    return torch.cat([*scores, weight.new_zeros(0)]).float()


def _overlap_of_block(adjacency: Adjacency, small: Tensor, large: Tensor, weight: Tensor) -> Tensor:
    counts = adjacency.degree[small]
    pair = torch.repeat_interleave(torch.arange(len(small), device=small.device), counts)  # [entries]
    before = counts.cumsum(0) - counts
    entry = torch.arange(len(pair), device=small.device) + (adjacency.row_pointer[small] - before)[pair]
    candidate = adjacency.column[entry]
    common = contains_keys(adjacency.keys, large[pair] * adjacency.num_nodes + candidate)
    return weight.new_zeros(len(small)).index_add_(0, pair[common], weight[candidate[common]])
