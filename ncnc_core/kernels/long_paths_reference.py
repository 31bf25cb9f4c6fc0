"""The plain twin of kernels/long_paths.py: every path written out, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def long_paths_reference(
    neighbors: Sequence[set[int]],
    weight: Mapping[tuple[int, int], float],
    scale: Sequence[float],
    pair: tuple[int, int],
) -> float:
    """Return the sum over the paths i - u - v - j of w(i, u) * w(u, v) * w(v, j) * scale[u] * scale[v].

    u and v may be the ends of the pair: these are walks.
    """
    i, j = pair
    paths = [(u, v) for u in neighbors[i] for v in neighbors[u] & neighbors[j]]
    return sum((weight[i, u] * scale[u] * weight[u, v] * scale[v] * weight[v, j] for u, v in paths), 0.0)
