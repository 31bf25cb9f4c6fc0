import numpy as np
import pandas as pd
import pytest
import scipy.stats

from pipeline.graphs.shape import DegreeCount, degree_counts, degree_shift, degrees, graph_shape, two_colourable_share
from pipeline.graphs.tables import CanonicalGraph
from tests.fixtures.checked_nights import changed
from tests.fixtures.deliveries import delivered
from tests.fixtures.small_graphs import nodes_of, ring, triangle_with_tail


def graph_of(edges: pd.DataFrame, nodes: pd.DataFrame | None = None) -> CanonicalGraph:
    return changed(delivered(edges, nodes))[0].graph


def test_shape_of_a_triangle_with_a_tail_a_pair_and_a_lone_node() -> None:
    edges = pd.concat([triangle_with_tail(), pd.DataFrame({"source": [50], "target": [60]})], ignore_index=True)
    nodes = pd.concat([nodes_of(edges), pd.DataFrame({"node": [70], "rank": [0.0], "square": [0.0]})])
    graph = graph_of(edges, nodes)
    degree = degrees(graph)
    assert degree.tolist() == [2, 2, 3, 1, 1, 1, 0]
    shape = graph_shape(graph, degree)
    assert (shape.nodes, shape.edges, shape.orphans, shape.components) == (7, 5, 1, 2)
    assert (shape.maximum_degree, shape.outside_largest) == (3, pytest.approx(2 / 6))
    assert (shape.mean_degree, shape.density) == (pytest.approx(10 / 7), pytest.approx(5 / 21))


@pytest.mark.parametrize(
    ("edges", "share"),
    [
        (ring(4), 1.0),  # an even ring
        (ring(5), 0.0),  # an odd ring
        (triangle_with_tail(), 0.0),  # the tail hangs on an odd ring
        (pd.concat([ring(4), ring(3, first=10)], ignore_index=True), 4 / 7),  # one component of each kind
        (pd.DataFrame({"source": [0, 0, 0], "target": [1, 2, 3]}), 1.0),  # a star
    ],
)
def test_two_colours_suffice_for_components_without_an_odd_ring(edges: pd.DataFrame, share: float) -> None:
    graph = graph_of(edges)
    assert two_colourable_share(graph, degrees(graph)) == pytest.approx(share)


@pytest.mark.parametrize("seed", range(5))
def test_two_colourable_share_agrees_with_colouring_node_by_node(seed: int) -> None:
    generator = np.random.default_rng(seed)
    pairs = {tuple(sorted(pair)) for pair in generator.integers(0, 40, (30, 2)).tolist() if pair[0] != pair[1]}
    table = pd.DataFrame(sorted(pairs), columns=["source", "target"])
    neighbors: dict[int, set[int]] = {}
    for a, b in pairs:
        neighbors.setdefault(a, set()).add(b)
        neighbors.setdefault(b, set()).add(a)
    colour: dict[int, int] = {}
    bad: set[int] = set()
    for root in neighbors:
        if root in colour:
            continue
        part, waiting, colour[root] = [root], [root], 0
        while waiting:
            node = waiting.pop()
            for other in neighbors[node]:
                if other not in colour:
                    colour[other] = 1 - colour[node]
                    part.append(other)
                    waiting.append(other)
        if any(colour[a] == colour[b] for a in part for b in neighbors[a]):
            bad |= set(part)
    graph = graph_of(table)
    expected = sum(a not in bad for a, _ in pairs) / len(pairs)
    assert two_colourable_share(graph, degrees(graph)) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_degree_shift_is_the_kolmogorov_smirnov_statistic(seed: int) -> None:
    generator = np.random.default_rng(seed)
    before, tonight = generator.poisson(5, 300), generator.poisson(6, 200)
    expected = scipy.stats.ks_2samp(before, tonight, method="asymp").statistic
    assert degree_shift(before, tonight) == pytest.approx(expected)
    assert degree_shift(before, before) == 0.0
    assert degree_shift(before, np.zeros(0, dtype=np.int64)) == 0.0


def test_edges_that_departed_do_not_count() -> None:
    graph = changed(delivered(ring(3)), delivered(triangle_with_tail()))[0].graph
    degree = degrees(graph)
    assert degree.sum() == 6
    assert graph_shape(graph, degree).components == 1


def test_nodes_are_counted_by_the_binary_digits_of_their_degree() -> None:
    before, tonight = np.array([0, 1, 1, 3]), np.array([1, 2, 3, 4, 7, 8])
    counts = [(item.low, item.high, item.before, item.tonight) for item in degree_counts(before, tonight)]
    assert counts == [(0, 0, 1, 0), (1, 1, 2, 1), (2, 3, 1, 2), (4, 7, 0, 2), (8, 15, 0, 1)]
    assert [item.before for item in degree_counts(None, tonight)] == [0] * 5
    assert degree_counts(None, np.zeros(0, dtype=np.int64)) == (DegreeCount(low=0, high=0, before=0, tonight=0),)
