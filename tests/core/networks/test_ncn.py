from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ncnc_core.config.model import ModelConfig
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.link_network import LinkNetwork

SIZE = 12
PREDICTORS = ["gae", "gae_cn", "ncn", "ncn2", "ncn_diff", "ncnc"]
ALL_PAIRS = torch.cartesian_prod(torch.arange(SIZE), torch.arange(SIZE)).T.contiguous()
edge_lists = st.lists(st.tuples(st.integers(0, SIZE - 2), st.integers(0, SIZE - 2)), max_size=40)
X = torch.rand(SIZE, 3, generator=torch.Generator().manual_seed(5))


def network(predictor: str, **changes: Any) -> LinkNetwork:
    torch.manual_seed(0)
    config = ModelConfig(predictor=predictor, hidden_channels=8, completion_offset=0.0, **changes)
    return LinkNetwork(config, num_features=3).eval()


def graph(edges: list[tuple[int, int]]) -> Adjacency:
    """The last node is always isolated."""
    return Adjacency.from_edges(torch.tensor(edges, dtype=torch.int64).reshape(-1, 2).T, SIZE)


@pytest.mark.parametrize("predictor", PREDICTORS)
@given(edge_lists)
def test_score_is_the_same_in_both_directions(predictor: str, edges: list[tuple[int, int]]) -> None:
    model, adjacency = network(predictor), graph(edges)
    torch.testing.assert_close(model(X, adjacency, ALL_PAIRS), model(X, adjacency, ALL_PAIRS.flip(0)))


@pytest.mark.parametrize("predictor", PREDICTORS)
@given(edge_lists, st.integers(30, 100))
def test_score_does_not_depend_on_the_batch_or_its_order(
    predictor: str, edges: list[tuple[int, int]], size: int
) -> None:
    model, adjacency = network(predictor), graph(edges)
    whole = model(X, adjacency, ALL_PAIRS)
    pieces = torch.cat([model(X, adjacency, part) for part in ALL_PAIRS.split(size, dim=1)])
    torch.testing.assert_close(pieces, whole)
    torch.testing.assert_close(model(X, adjacency, ALL_PAIRS.flip(1)), whole.flip(0))


@pytest.mark.parametrize("predictor", PREDICTORS)
@given(edge_lists, st.permutations(range(SIZE)))
def test_score_does_not_depend_on_the_labels_of_nodes(
    predictor: str, edges: list[tuple[int, int]], order: list[int]
) -> None:
    model, labels = network(predictor), torch.tensor(order)
    moved = torch.empty_like(X)
    moved[labels] = X
    relabelled = graph([(order[u], order[v]) for u, v in edges])
    torch.testing.assert_close(
        model(moved, relabelled, labels[ALL_PAIRS]), model(X, graph(edges), ALL_PAIRS), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("predictor", PREDICTORS)
def test_isolated_nodes_and_empty_graphs_have_finite_scores(predictor: str) -> None:
    model = network(predictor)
    assert bool(torch.isfinite(model(X, graph([]), ALL_PAIRS)).all())
    assert bool(torch.isfinite(model(X, graph([(0, 1), (1, 2)]), ALL_PAIRS)).all())


@pytest.mark.parametrize("predictor", PREDICTORS)
def test_no_pairs_give_no_scores(predictor: str) -> None:
    none = torch.zeros(2, 0, dtype=torch.int64)
    assert network(predictor)(X, graph([(0, 1)]), none).shape == (0,)


@pytest.mark.parametrize("predictor", PREDICTORS)
def test_no_pairs_train_without_error(predictor: str) -> None:
    model = network(predictor, predictor_dropout=0.1, predictor_edge_dropout=0.1).train()
    none = torch.zeros(2, 0, dtype=torch.int64)
    model(X, graph([(0, 1)]), none).sum().backward()


def test_pair_without_common_neighbours_pools_nothing() -> None:
    """On a path 0-1-2-3, NCN of (0, 3) is readout(neighbor_mlp(0) + pair_mlp(h h))."""
    model, adjacency = network("ncn"), graph([(0, 1), (1, 2), (2, 3)])
    head, h = model.predictor.head, model.encode(X, adjacency)
    expected = head(h, torch.tensor([[0], [3]]), torch.zeros(1, 8))
    torch.testing.assert_close(model(X, adjacency, torch.tensor([[0], [3]])), expected)


def test_gae_with_count_reads_the_number_of_common_neighbours_and_no_more() -> None:
    """(0, 3) and (0, 4) share two and one neighbours: the logit is readout(beta * neighbor_mlp(count) + pair_mlp)."""
    model, adjacency = network("gae_cn"), graph([(0, 1), (0, 2), (1, 3), (2, 3), (1, 4)])
    head, h = model.predictor.head, model.encode(X, adjacency)
    pairs = torch.tensor([[0, 0], [3, 4]])
    assert torch.equal(head(h, pairs, torch.tensor([[2.0], [1.0]])), model(X, adjacency, pairs))
    assert head.neighbor_mlp[0].in_features == 1
    assert head.neighbor_transform is None


def test_edge_being_scored_is_no_neighbour_of_its_own() -> None:
    """With the embeddings held fixed, taking the scored edge itself out of the graph changes nothing."""
    model = network("ncn_diff")
    with_edge, without = graph([(0, 1), (1, 2), (0, 3), (2, 3)]), graph([(1, 2), (0, 3), (2, 3)])
    levels, pair = model.predictor.node_levels(model.encode(X, with_edge)), torch.tensor([[0], [1]])
    assert torch.equal(model.predictor(levels, with_edge, pair), model.predictor(levels, without, pair))
    published = network("ncn_diff", score_known_edges_as_published=True)
    assert not torch.equal(published.predictor(levels, with_edge, pair), model.predictor(levels, with_edge, pair))
