"""The plain twin of kernels/overlap.py: sets of Python integers, for tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def neighbor_sets(edges: Iterable[tuple[int, int]], num_nodes: int) -> list[set[int]]:
    """Return the neighbours of each node of the symmetric graph, without self-loops."""
    neighbors: list[set[int]] = [set() for _ in range(num_nodes)]
    for u, v in edges:
        if u != v:
            neighbors[u].add(v)
            neighbors[v].add(u)
    return neighbors


def common_neighbors_reference(neighbors: Sequence[set[int]], pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return N(i) ∩ N(j), sorted, for each pair."""
    return [sorted(neighbors[i] & neighbors[j]) for i, j in pairs]


def exclusive_neighbors_reference(
    neighbors: Sequence[set[int]], pairs: Iterable[tuple[int, int]], *, skip_other: bool
) -> list[list[int]]:
    """Return N(i) minus N(j), sorted, for each pair (i, j)."""
    return [sorted(neighbors[i] - neighbors[j] - ({j} if skip_other else set())) for i, j in pairs]


def two_hop_sets(neighbors: Sequence[set[int]]) -> list[set[int]]:
    """Return the support of A squared: every node reached by a walk of two steps, the start itself included."""
    return [set().union(*(neighbors[v] for v in around)) for around in neighbors]
