from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.edge_times import EdgeTimes
from ncnc_core.recipes.graph_traits import GraphTraits

# a triangle 0-1-2 with a tail 2-3-4, and node 5 alone
TAILED = Adjacency.from_edges(torch.tensor([[0, 0, 1, 2, 3], [1, 2, 2, 3, 4]]), 6)


def traits(adjacency: Adjacency = TAILED, features: torch.Tensor | None = None) -> GraphTraits:
    return GraphTraits.of(adjacency, features, torch.Generator().manual_seed(0))


def test_degrees_are_those_at_the_ends_of_edges() -> None:
    found = traits()
    assert (found.num_nodes, found.num_edges) == (6, 5)
    assert found.edge_degree == pytest.approx((4 + 4 + 9 + 4 + 1) / 10)


def test_closed_share_is_near_the_share_of_edges_in_triangles() -> None:
    """Sixty triangles and as many bare edges as they have: half of the edges are closed."""
    triangle = torch.tensor([[0, 0, 1], [1, 2, 2]])
    edges = torch.cat(
        [triangle + 3 * one for one in range(60)] + [torch.tensor([[180], [181]]) + 2 * i for i in range(180)], 1
    )
    assert traits(Adjacency.from_edges(edges, 540)).closed_share == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("is_sparse", [False, True])
def test_features_are_counted_with_their_zeros(is_sparse: bool) -> None:
    features = torch.zeros(6, 10)
    features[0, :6] = 1.0
    found = traits(features=features.to_sparse_csr() if is_sparse else features)
    assert (found.num_features, found.has_ids) == (10, False)
    assert found.feature_density == pytest.approx(0.1)


def test_integers_are_ids_and_no_features() -> None:
    found = traits(features=torch.arange(6))
    assert (found.num_features, found.has_ids) == (0, True)


@pytest.mark.parametrize(
    ("weight", "usable"),
    [([1.0, 2.0, 1.0, 0.0, 3.0], True), ([1.0] * 5, False), ([1.0, -2.0, 1.0, 1.0, 1.0], False)],
)
def test_weights_count_where_they_differ_and_none_is_below_0(weight: list[float], usable: bool) -> None:
    edges = torch.tensor([[0, 0, 1, 2, 3], [1, 2, 2, 3, 4]])
    assert traits(Adjacency.from_edges(edges, 6, torch.tensor(weight))).has_weights is usable


def test_graph_without_edges_has_traits_too() -> None:
    found = traits(Adjacency.from_edges(torch.zeros(2, 0, dtype=torch.int64), 1))
    assert (found.edge_degree, found.closed_share) == (0.0, 0.0)


def test_the_times_that_are_looked_at_are_those_at_which_edges_came() -> None:
    arrivals = torch.arange(1000)
    times = EdgeTimes(torch.arange(10), torch.arange(10) + 5, torch.ones(10, dtype=torch.int64), arrivals)
    assert traits(replace(TAILED, times=times)).arrivals is arrivals
    assert not traits(replace(TAILED, times=times)).has_directions
    assert traits(replace(TAILED, times=replace(times, sent=times.events))).has_directions
    assert traits().arrivals is None
