from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ncnc_core.config.choices import GraphChange
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.perturbed_graph import perturbed


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_graph(seed: int, nodes: int = 60, edges: int = 200) -> Adjacency:
    return Adjacency.from_edges(torch.randint(nodes, (2, edges), generator=generator(seed)), nodes + 5)


def keys_of(graph: Adjacency) -> set[int]:
    return set(graph.keys.tolist())


@given(st.integers(0, 50), st.sampled_from([0.01, 0.05, 0.3]))
@settings(max_examples=25, deadline=None)
def test_exactly_the_share_of_edges_changes_and_nothing_else(seed: int, share: float) -> None:
    graph = random_graph(seed)
    count = max(1, round(share * graph.num_edges))
    less, more = perturbed(graph, "remove", share, generator(seed)), perturbed(graph, "add", share, generator(seed))
    assert keys_of(less) < keys_of(graph) < keys_of(more)
    assert (graph.num_edges - less.num_edges, more.num_edges - graph.num_edges) == (count, count)
    assert int(more.degree[graph.degree == 0].sum()) == 0  # a node without an edge is no place for noise


def test_the_generator_fixes_the_change() -> None:
    graph = random_graph(1)
    first, again, other = (perturbed(graph, "add", 0.1, generator(seed)) for seed in (4, 4, 5))
    assert keys_of(first) == keys_of(again) != keys_of(other)


def test_a_full_graph_has_no_place_for_another_edge() -> None:
    triangle = Adjacency.from_edges(torch.tensor([[0, 1, 2], [1, 2, 0]]), 3)
    assert perturbed(triangle, "add", 0.5, generator()).num_edges == 3


@pytest.mark.parametrize(("share", "edges"), [(0.0, 1), (1.0, 1), (0.1, 0)])
def test_a_share_that_changes_nothing_is_refused(share: float, edges: int) -> None:
    graph = Adjacency.from_edges(torch.tensor([[0], [1]])[:, :edges], 2)
    with pytest.raises(InvalidGraph, match=rf"the share is {share} and there are {edges} edges\. Give 0\.01"):
        perturbed(graph, "remove", share, generator())


@pytest.mark.parametrize("change", ["remove", "add"])
def test_nothing_is_made_on_another_device_than_the_graphs(change: GraphChange) -> None:
    graph = random_graph(3)
    expected = perturbed(graph, change, 0.2, generator())
    with torch.device("meta"):  # where what is made without a device would be
        found = perturbed(graph, change, 0.2, generator())
    assert torch.equal(found.column, expected.column)
