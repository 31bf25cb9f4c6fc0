"""The plain twin of kernels/timed_overlap.py: dictionaries of Python numbers, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Decays = Mapping[tuple[int, int], Sequence[float]]  # of both directions of each edge, at each scale


@dataclass(frozen=True)
class TimedOverlap:
    """The common neighbours of a pair, ascending, the product of both edges' decay for each, and the sums."""

    nodes: list[int]
    products: list[list[float]]
    sums: list[float]


def timed_overlap_reference(
    neighbors: Sequence[set[int]],
    decay: Decays,
    strength: Sequence[Sequence[float]],
    node_weight: Sequence[Sequence[float]],
    pair: tuple[int, int],
) -> TimedOverlap:
    """Return the sum of each node weight, then for each scale the products' sum, their shares' sum, and the largest.

    A product's share is the product over the strength of its node; that of a product of 0 is 0.
    """
    i, j = pair
    nodes = sorted(neighbors[i] & neighbors[j])
    products = [[a * b for a, b in zip(decay[i, u], decay[j, u], strict=True)] for u in nodes]
    sums = [sum((node_weight[u][one] for u in nodes), 0.0) for one in range(len(node_weight[0]))]
    scales, both = range(len(strength[0])), list(zip(nodes, products, strict=True))
    sums += [sum((product[scale] for product in products), 0.0) for scale in scales]
    sums += [sum((p[scale] / strength[u][scale] for u, p in both if p[scale] > 0), 0.0) for scale in scales]
    sums += [max((product[scale] for product in products), default=0.0) for scale in scales]
    return TimedOverlap(nodes, products, sums)
