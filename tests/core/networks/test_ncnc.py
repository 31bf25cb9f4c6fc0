from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ncnc_core.config.model import ModelConfig
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.kernels.overlap_reference import neighbor_sets
from ncnc_core.networks.completion import completion_weight
from ncnc_core.networks.link_network import LinkNetwork

SIZE = 10
ALL_PAIRS = torch.triu_indices(SIZE, SIZE, offset=1)
X = torch.rand(SIZE, 3, generator=torch.Generator().manual_seed(5))
edge_lists = st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)), max_size=30)


def network(**changes: Any) -> LinkNetwork:
    torch.manual_seed(0)
    options = {"predictor": "ncnc", "hidden_channels": 8, "completion_offset": 0.0, "completion_max_neighbors": None}
    return LinkNetwork(ModelConfig(**{**options, **changes}), num_features=3).eval()


def graph(edges: list[tuple[int, int]]) -> Adjacency:
    return Adjacency.from_edges(torch.tensor(edges, dtype=torch.int64).reshape(-1, 2).T, SIZE)


def ncnc_by_hand(model: LinkNetwork, edges: list[tuple[int, int]], i: int, j: int) -> torch.Tensor:
    """The formula of depth 1, one pair at a time, with sets."""
    near, adjacency = neighbor_sets(edges, SIZE), graph(edges)
    head, config = model.predictor.head, model.config
    h = model.encode(X, adjacency)
    g = head.node_values(h)
    gg = head.node_values(g)

    def belief(u: int, v: int) -> torch.Tensor:
        pooled = sum((gg[w] for w in near[u] & near[v]), torch.zeros(8))
        logit = head(g, torch.tensor([[u], [v]]), pooled[None])
        return completion_weight(
            logit,
            scale=config.completion_scale,
            offset=config.completion_offset,
            alpha=config.completion_alpha,
        )

    pooled = sum((g[w] for w in near[i] & near[j]), torch.zeros(8))
    pooled = sum((belief(j, u) * g[u] for u in near[i] - near[j] - {j}), pooled)
    pooled = sum((belief(i, u) * g[u] for u in near[j] - near[i] - {i}), pooled)
    return head(h, torch.tensor([[i], [j]]), pooled[None])


def test_score_equals_the_formula_worked_pair_by_pair() -> None:
    edges = [(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 2), (7, 0), (7, 4), (8, 1)]
    model = network()
    with torch.no_grad():
        expected = torch.cat([ncnc_by_hand(model, edges, i, j) for i, j in ALL_PAIRS.T.tolist()])
        torch.testing.assert_close(model(X, graph(edges), ALL_PAIRS), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("off", [{"completion_alpha": 0.0}, {"completion_depth": 0}])
@given(edge_lists)
def test_completion_switched_off_is_ncn_exactly(off: dict[str, float], edges: list[tuple[int, int]]) -> None:
    expected = network(predictor="ncn")(X, graph(edges), ALL_PAIRS)
    assert torch.equal(network(**off)(X, graph(edges), ALL_PAIRS), expected)


@pytest.mark.parametrize("depth", [1, 2])
@given(edge_lists)
def test_size_of_the_inner_chunks_does_not_change_the_score(depth: int, edges: list[tuple[int, int]]) -> None:
    whole = network(completion_depth=depth)(X, graph(edges), ALL_PAIRS)
    small = network(completion_depth=depth, completion_chunk=60)(X, graph(edges), ALL_PAIRS)
    torch.testing.assert_close(small, whole)


def test_cap_above_every_degree_changes_nothing_and_below_it_something() -> None:
    star = [(0, leaf) for leaf in range(1, 9)] + [(1, 9)]
    whole = network()(X, graph(star), ALL_PAIRS)
    assert torch.equal(network(completion_max_neighbors=9)(X, graph(star), ALL_PAIRS), whole)
    capped = network(completion_max_neighbors=2)
    assert not torch.allclose(capped(X, graph(star), ALL_PAIRS), whole)
    assert torch.equal(capped(X, graph(star), ALL_PAIRS), capped(X, graph(star), ALL_PAIRS))


def test_no_gradient_flows_through_the_belief_in_a_missing_link() -> None:
    """On a path 0-1-2 the pair (0, 3): its only completion is u = 1, so p(3, 1) alone could reach g of node 3."""
    model = network()
    adjacency = graph([(0, 1), (1, 2)])
    levels = [level.detach().requires_grad_() for level in model.predictor.node_levels(model.encode(X, adjacency))]
    model.predictor(levels, adjacency, torch.tensor([[0], [3]])).sum().backward()
    assert levels[1].grad is not None
    assert levels[1].grad.abs().sum(1).nonzero().flatten().tolist() == [1]


def test_inner_pass_is_free_of_dropout_unless_the_published_noise_is_asked_for() -> None:
    adjacency = graph([(0, 1), (1, 2), (2, 3), (3, 0), (4, 1)])
    for noisy in (False, True):
        model = network(predictor_dropout=0.5, noisy_completion_as_published=noisy).train()
        levels = model.predictor.node_levels(model.encode(X, adjacency))
        draws = []
        for _ in range(2):
            lists = model.predictor.completion(levels, adjacency, ALL_PAIRS)
            draws.append(torch.cat([one.weight for one in lists]))
        assert torch.equal(*draws) is not noisy
        assert all(module.training for module in model.predictor.modules())


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"completion_depth": 2},
        {"completion_depth": 2, "completion_reads_raw_embeddings": True},
        {"completion_alpha": 0.0},
        {"predictor": "ncn"},
        {"predictor": "ncn2"},
        {"predictor": "ncn_diff"},
    ],
)
@pytest.mark.parametrize("training", [False, True])
@given(edge_lists)
def test_transforming_the_nodes_that_pairs_read_gives_the_logits_and_gradients_of_transforming_all(
    options: dict[str, Any], training: bool, edges: list[tuple[int, int]]
) -> None:
    model, pairs = network(**options).train(training), ALL_PAIRS[:, ::3]
    adjacency, found = graph(edges), []
    for levels in ([model.encode(X, adjacency)], model.predictor.node_levels(model.encode(X, adjacency))):
        logits = model.predictor(levels, adjacency, pairs)
        gradients = torch.autograd.grad(logits.sum(), list(model.parameters()), allow_unused=True)
        found.append([logits, *(torch.zeros(1) if one is None else one for one in gradients)])
    for few, all_of_them in zip(*found, strict=True):
        torch.testing.assert_close(few, all_of_them.expand_as(few), rtol=1e-4, atol=1e-5)


def test_bfloat16_inner_pass_moves_the_logits_by_little_and_is_no_pass_without_completion() -> None:
    edges = [(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 2), (7, 0), (7, 4), (8, 1)]
    exact, rough = (
        network(hidden_channels=32, completion_precision=precision)(X, graph(edges), ALL_PAIRS)
        for precision in ("float32", "bfloat16")
    )
    assert rough.dtype == torch.float32
    assert 0 < (exact - rough).abs().max().item() < 0.02 * exact.abs().max().item()
    off = {"completion_alpha": 0.0, "hidden_channels": 32}
    assert torch.equal(
        network(**off, completion_precision="bfloat16")(X, graph(edges), ALL_PAIRS),
        network(**off)(X, graph(edges), ALL_PAIRS),
    )


@pytest.mark.parametrize("as_published", [False, True])
def test_known_edge_completes_itself_only_where_the_published_code_is_asked_for(as_published: bool) -> None:
    """On the triangle 0-1-2 with a tail 1-3, the pair (0, 1) is an edge: as published, 1 completes 0's side."""
    model = network(score_known_edges_as_published=as_published)
    adjacency = graph([(0, 1), (1, 2), (0, 2), (1, 3)])
    levels = model.predictor.node_levels(model.encode(X, adjacency))
    pair = torch.tensor([[0], [1]])
    of_first, of_second = model.predictor.completion(levels, adjacency, pair)
    assert of_first.node.tolist() == ([1] if as_published else [])
    assert of_second.node.tolist() == ([0, 3] if as_published else [3])


@pytest.mark.parametrize("depth", [1, 2])
def test_recursion_on_raw_embeddings_is_ncnc_of_the_same_embeddings_all_the_way_down(depth: int) -> None:
    """Worked against the published recursion with a head whose transform is nothing: there g = h, and both agree."""
    edges = [(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 2), (7, 0), (7, 4), (8, 1)]
    raw, published = (
        network(completion_depth=depth, completion_reads_raw_embeddings=raw, neighbor_transform=False)
        for raw in (True, False)
    )
    torch.testing.assert_close(raw(X, graph(edges), ALL_PAIRS), published(X, graph(edges), ALL_PAIRS))
    transformed = network(completion_depth=depth, completion_reads_raw_embeddings=True)
    assert not torch.allclose(
        transformed(X, graph(edges), ALL_PAIRS), network(completion_depth=depth)(X, graph(edges), ALL_PAIRS)
    )


def test_raw_recursion_believes_in_a_missing_link_as_far_as_ncn_of_the_same_weights_does() -> None:
    adjacency = graph([(0, 1), (1, 2)])
    model, plain = network(completion_reads_raw_embeddings=True), network(predictor="ncn")
    (of_first, _), config = (
        model.predictor.completion(
            model.predictor.node_levels(model.encode(X, adjacency)), adjacency, torch.tensor([[0], [3]])
        ),
        model.config,
    )
    logit = plain(X, adjacency, torch.tensor([[3], [1]]))
    expected = completion_weight(
        logit, scale=config.completion_scale, offset=config.completion_offset, alpha=config.completion_alpha
    )
    assert of_first.node.tolist() == [1]
    torch.testing.assert_close(of_first.weight, expected)


@pytest.mark.parametrize("options", [{}, {"completion_depth": 2}])
def test_the_cap_keeps_the_same_neighbours_in_every_numbering(options: dict[str, Any]) -> None:
    generator = torch.Generator().manual_seed(0)
    spokes = torch.arange(1, 60)
    edges = torch.cat(
        [torch.stack([torch.zeros_like(spokes), spokes]), torch.randint(60, (2, 80), generator=generator)], 1
    )
    features, place = torch.rand(60, X.shape[1], generator=generator), torch.randperm(60, generator=generator)
    moved = torch.empty_like(features)
    moved[place] = features
    pairs = torch.tensor([[0, 0, 0, 3], [5, 17, 40, 8]])
    model = network(completion_max_neighbors=8, **options).eval()
    with torch.no_grad():
        before = model(features, Adjacency.from_edges(edges, 60), pairs)
        after = model(moved, Adjacency.from_edges(place[edges], 60), place[pairs])
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-5)
