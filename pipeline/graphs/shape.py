"""The shape of the living graph: degrees, components, and whether it is bipartite."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.graphs.tables import CanonicalGraph
from pipeline.records.part import Part

Counts = NDArray[np.int64]


class GraphShape(Part):
    """The living graph in numbers.

    orphans: nodes without an edge. components: connected parts of two nodes or more. outside_largest: the share of the
    nodes with an edge that lie outside the largest component. density: edges over pairs of nodes.
    """

    nodes: int
    edges: int
    orphans: int
    density: float
    mean_degree: float
    maximum_degree: int
    components: int
    outside_largest: float


class DegreeCount(Part):
    """How many nodes had, and have, from `low` to `high` edges."""

    low: int
    high: int
    before: int
    tonight: int


def living_edges(graph: CanonicalGraph) -> NDArray[np.int64]:
    """Return the living edges as positions, [2, e]."""
    return graph.tables.edges[:, graph.tables.living]


def degrees(graph: CanonicalGraph) -> Counts:
    """Return the number of living edges of every position, departed nodes included, [n]; O(edges)."""
    return np.bincount(living_edges(graph).ravel(), minlength=graph.tables.num_nodes).astype(np.int64)


def graph_shape(graph: CanonicalGraph, degree: Counts) -> GraphShape:
    """Measure a graph; O(nodes + edges) in time, about 40 bytes an edge in memory while components are found."""
    nodes, edges = int(graph.node_living.sum()), int(degree.sum()) // 2
    sizes = _component_sizes(living_edges(graph), degree)
    with_edge = int(sizes.sum())
    return GraphShape(
        nodes=nodes,
        edges=edges,
        orphans=int((graph.node_living & (degree == 0)).sum()),
        density=2 * edges / (nodes * (nodes - 1)) if nodes > 1 else 0.0,
        mean_degree=2 * edges / nodes if nodes else 0.0,
        maximum_degree=int(degree.max(initial=0)),
        components=len(sizes),
        outside_largest=1 - int(sizes.max(initial=0)) / with_edge if with_edge else 0.0,
    )


def two_colourable_share(graph: CanonicalGraph, degree: Counts) -> float:
    """Return the share of the edges that lie in bipartite components; 1 if the graph is bipartite.

    The bipartite double cover has every node twice, and each edge leads from one copy to the other. The two copies of
    a node are connected if and only if its component has an odd cycle. O(nodes + edges) in time, and twice the memory
    of the components.
    """
    size = len(degree)
    low, high = _compact(living_edges(graph), 2 * size)
    if not len(low):
        return 0.0
    label = _labels(np.concatenate([low, low + size]), np.concatenate([high + size, high]), 2 * size)
    free = label[:size] != label[size:]
    return float(free[low].mean())


def degree_shift(before: Counts, tonight: Counts) -> float:
    """Return the two-sample Kolmogorov-Smirnov distance of two degree distributions, in [0, 1]; O(nodes).

    The largest difference, over all degrees d, between the two shares of nodes that have d edges or fewer. Counting
    per degree gives it without the sort that scipy.stats.ks_2samp does.
    """
    if not len(before) or not len(tonight):
        return 0.0
    size = int(max(before.max(), tonight.max())) + 1
    shares = [np.cumsum(np.bincount(sample, minlength=size)) / len(sample) for sample in (before, tonight)]
    return float(np.abs(shares[0] - shares[1]).max())


def degree_counts(before: Counts | None, tonight: Counts) -> tuple[DegreeCount, ...]:
    """Count nodes by degree: 0, 1, 2 to 3, 4 to 7 and so on, up to the largest that there was or is; O(nodes)."""
    samples = [np.zeros(0, dtype=np.int64) if before is None else before, tonight]
    # frexp's exponent is the number of binary digits: 0 for 0, 1 for 1, 2 for 2 and 3, exact below 2**53.
    digits = [np.frexp(sample)[1] for sample in samples]
    size = max(int(part.max(initial=0)) for part in digits) + 1
    counts = [np.bincount(part, minlength=size).tolist() for part in digits]
    return tuple(
        DegreeCount(low=2**bits // 2, high=2**bits - 1, before=then, tonight=now)
        for bits, (then, now) in enumerate(zip(*counts, strict=True))
    )


def _component_sizes(edges: NDArray[np.int64], degree: Counts) -> Counts:
    """Return the number of nodes of each component that has an edge."""
    if not edges.shape[1]:
        return np.zeros(0, dtype=np.int64)
    low, high = _compact(edges, len(degree))
    sizes = np.bincount(_labels(low, high, len(degree))[degree > 0])
    return sizes[sizes > 0].astype(np.int64)


def _compact(edges: NDArray[np.int64], size: int) -> NDArray[np.signedinteger]:
    # int32 positions halve the memory of the edges, and of the index arrays that scipy makes of them.
    return edges.astype(np.int32 if size <= np.iinfo(np.int32).max else np.int64)


def _labels(low: NDArray[np.signedinteger], high: NDArray[np.signedinteger], size: int) -> NDArray[np.int32]:
    """Return the number of each node's component."""
    matrix = coo_array((np.ones(len(low), dtype=np.int8), (low, high)), shape=(size, size))
    labels: NDArray[np.int32] = connected_components(matrix, directed=False)[1]
    return labels
