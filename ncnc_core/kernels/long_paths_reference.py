"""The plain twin of kernels/long_paths.py: every path written out, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Weight = Mapping[tuple[int, int], float]  # of both directions of each edge


def long_paths_reference(
    neighbors: Sequence[set[int]],
    weights: Sequence[Weight],
    scales: Sequence[Sequence[float]],
    pair: tuple[int, int],
) -> float:
    """Return the sum over the paths i - u - v - j of w1(i, u) * w2(u, v) * w3(j, v) * scale1[u] * scale2[v].

    u and v may be the ends of the pair: these are walks.
    """
    i, j = pair
    paths = [(u, v) for u in neighbors[i] for v in neighbors[u] & neighbors[j]]
    (first, middle, last), (near, far) = weights, scales
    return sum((first[i, u] * near[u] * middle[u, v] * far[v] * last[j, v] for u, v in paths), 0.0)
