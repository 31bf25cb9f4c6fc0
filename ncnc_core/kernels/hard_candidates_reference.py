"""The plain twin of kernels/hard_candidates.py: dictionaries and sorted lists, for tests."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import zip_longest

import numpy as np

from ncnc_core.kernels.neighbor_sampler import uniform_hash


def page_rank_reference(
    neighbors: Sequence[Sequence[int]], source: int, *, teleport: float, epsilon: float
) -> dict[int, float]:
    """Return the approximate personalised PageRank of every node that has any, by forward push."""
    page_rank: dict[int, float] = {}
    residual = {source: 1.0}
    queue = deque([source])
    while queue:
        node = queue.popleft()
        left = residual.pop(node)
        around = neighbors[node]
        page_rank[node] = page_rank.get(node, 0.0) + (teleport * left if around else left)
        for other in around:
            residual[other] = residual.get(other, 0.0) + (1.0 - teleport) * left / len(around)
            if other not in queue and residual[other] > epsilon * len(neighbors[other]):
                queue.append(other)
    return page_rank


def allocation_reference(neighbors: Sequence[Sequence[int]], source: int) -> dict[int, float]:
    """Return the resource allocation between a node and every other one that shares a neighbour with it."""
    allocation: dict[int, float] = {}
    for middle in neighbors[source]:
        for other in neighbors[middle]:
            if other != source:
                allocation[other] = allocation.get(other, 0.0) + 1.0 / len(neighbors[middle])
    return allocation


def hard_candidates_reference(
    neighbors: Sequence[Sequence[int]],
    source: int,
    forbidden: set[tuple[int, int]],
    wanted: int,
    *,
    teleport: float,
    epsilon: float,
    seed: int,
) -> list[int]:
    """Return the hardest partners of a node: the better of two ranks, then that by resource allocation first."""
    page_rank = page_rank_reference(neighbors, source, teleport=teleport, epsilon=epsilon)
    allocation = allocation_reference(neighbors, source)

    def ranked(first: dict[int, float], second: dict[int, float]) -> list[int]:
        allowed = [node for node in first if node != source and (min(node, source), max(node, source)) not in forbidden]

        def place(node: int) -> tuple[float, float, float]:
            tie = uniform_hash(np.uint64(seed), np.int64(source * len(neighbors) + node))
            return -first[node], -second.get(node, 0.0), tie

        return sorted(allowed, key=place)

    merged: list[int] = []
    for both in zip_longest(ranked(allocation, page_rank), ranked(page_rank, allocation)):
        merged += [node for node in both if node is not None]
    return list(dict.fromkeys(merged))[:wanted]
