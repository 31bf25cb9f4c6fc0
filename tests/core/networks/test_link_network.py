from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ncnc_core.config.model import ModelConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks import scoring
from ncnc_core.networks.link_network import LinkNetwork


def path_graph() -> Adjacency:
    return Adjacency.from_edges(torch.tensor([[0, 1, 2], [1, 2, 3]]), 5)


def test_network_without_features_builds_its_own_from_the_graph() -> None:
    network = LinkNetwork(ModelConfig(hidden_channels=8), num_features=0)
    assert network(None, path_graph(), torch.tensor([[0, 1], [2, 4]])).shape == (2,)


def test_structural_features_stand_beside_given_ones_on_request() -> None:
    network = LinkNetwork(ModelConfig(hidden_channels=8, structural_features=True), num_features=3)
    assert network.encode(torch.rand(5, 3), path_graph()).shape == (5, 8)


def test_wrong_number_of_features_is_refused_with_both_numbers() -> None:
    network = LinkNetwork(ModelConfig(hidden_channels=8), num_features=3)
    with pytest.raises(InvalidGraph, match=r"built for 3 node features, but the graph has 4.*train a new model"):
        network.encode(torch.rand(5, 4), path_graph())


def test_no_input_at_all_is_refused_with_the_remedy() -> None:
    with pytest.raises(
        InvalidGraph, match=r"structural_features is false\. Set structural_features: true.*node_embedding: only"
    ):
        LinkNetwork(ModelConfig(structural_features=False), num_features=0)


def test_node_embedding_without_ids_is_refused() -> None:
    with pytest.raises(InvalidGraph, match=r"num_ids >= 1, got 0\. Give the number"):
        LinkNetwork(ModelConfig(node_embedding="only"), num_features=0)


@pytest.mark.parametrize("mode", ["only", "added"])
def test_node_the_table_does_not_know_is_embedded_from_its_neighbours(mode: str) -> None:
    """Node 4 is new: without a neighbour it has what a zero vector gives, and with node 0 for one, something else."""
    config = ModelConfig(encoder="puresum", hidden_channels=8, node_embedding=mode, jumping_knowledge=False)
    network = LinkNetwork(config, num_features=0, num_ids=4).eval()
    alone = network.encode(None, path_graph())
    joined = network.encode(None, Adjacency.from_edges(torch.tensor([[0, 1, 2, 0], [1, 2, 3, 4]]), 5))
    table = network.encoder.input.embedding.weight
    if mode == "only":
        assert not alone[4].any()
        torch.testing.assert_close(joined[4], table[0])
    assert not torch.allclose(joined[4], alone[4])


def test_added_embedding_is_the_input_stage_plus_the_vector_of_the_node() -> None:
    config = ModelConfig(hidden_channels=8, node_embedding="added", num_layers=0)
    network = LinkNetwork(config, num_features=3, num_ids=5).eval()
    x, stage = torch.rand(5, 3), network.encoder.input
    torch.testing.assert_close(network.encode(x, path_graph()), stage.linear(x) + stage.embedding.weight)


def test_integer_features_are_the_ids_of_the_vectors() -> None:
    ids = torch.tensor([2, 0, 2, 1, 0])
    network = LinkNetwork.for_graph(ModelConfig(hidden_channels=8, node_embedding="only", encoder="none"), ids, 5)
    assert network.num_ids == 3
    torch.testing.assert_close(network.encode(ids, path_graph()), network.encoder.input.embedding.weight[ids])


def test_integer_features_without_an_embedding_are_refused_with_the_remedy() -> None:
    with pytest.raises(InvalidGraph, match=r"integer ids, shape \[5\].*Set node_embedding: only"):
        LinkNetwork.for_graph(ModelConfig(), torch.arange(5), 5)


def test_network_for_a_graph_takes_its_widths_from_the_features() -> None:
    config = ModelConfig(hidden_channels=8, node_embedding="added")
    network = LinkNetwork.for_graph(config, torch.rand(5, 3), 5)
    assert (network.num_features, network.num_ids) == (3, 5)
    assert LinkNetwork.for_graph(ModelConfig(hidden_channels=8), None, 5).num_ids == 0


def test_zero_layers_score_from_the_input_stage_alone() -> None:
    network = LinkNetwork(ModelConfig(hidden_channels=8, num_layers=0), num_features=3)
    x = torch.rand(5, 3)
    empty = Adjacency.from_edges(torch.zeros(2, 0, dtype=torch.int64), 5)
    torch.testing.assert_close(network.encode(x, path_graph()), network.encode(x, empty))


SIZE = 11  # the last node is always isolated
ALL_PAIRS = torch.cartesian_prod(torch.arange(SIZE), torch.arange(SIZE)).T.contiguous()
X = torch.rand(SIZE, 3, generator=torch.Generator().manual_seed(5))
EDGE_LISTS = st.lists(st.tuples(st.integers(0, SIZE - 2), st.integers(0, SIZE - 2)), max_size=35, unique_by=frozenset)
HUB = [(0, leaf) for leaf in range(1, SIZE - 1)] + [(3, 3), (1, 2), (2, 3)]  # with a self-loop, and edges among leaves
CONFIGS = st.fixed_dictionaries(
    {
        "predictor": st.sampled_from(["gae", "gae_cn", "ncn", "ncn2", "ncn_diff", "ncnc"]),
        "encoder": st.sampled_from(["puregcn", "puresum", "puremean", "gcn", "sage", "gin", "none"]),
        "node_embedding": st.sampled_from(["off", "only", "added"]),
        "num_layers": st.integers(0, 2),
        "jumping_knowledge": st.booleans(),
        "residual": st.booleans(),
        "edge_weights": st.booleans(),
        "completion_depth": st.integers(0, 2),
        "completion_reads_raw_embeddings": st.booleans(),
        "score_known_edges_as_published": st.booleans(),
    }
)


def sampled_network(options: dict[str, Any], **changes: Any) -> LinkNetwork:
    """A table of three vectors for eleven nodes: most of them are new to it."""
    torch.manual_seed(0)
    config = ModelConfig(hidden_channels=4, completion_offset=0.0, **{**options, **changes})
    return LinkNetwork(config, num_features=3, num_ids=3).eval()


def weighted_graph(edges: list[tuple[int, int]]) -> Adjacency:
    weight = torch.tensor([(7 * u * v + u + v) % 5 / 2 for u, v in edges])
    return Adjacency.from_edges(torch.tensor(edges, dtype=torch.int64).reshape(-1, 2).T, SIZE, weight)


def check_invariants(options: dict[str, Any], edges: list[tuple[int, int]], size: int, order: torch.Tensor) -> None:
    model, adjacency = sampled_network(options), weighted_graph(edges)
    with torch.no_grad():
        whole = model(X, adjacency, ALL_PAIRS)
        levels = scoring.node_levels(model, X, adjacency)
        assert bool(torch.isfinite(whole).all())
        torch.testing.assert_close(model(X, adjacency, ALL_PAIRS.flip(0)), whole)
        torch.testing.assert_close(model(X, adjacency, ALL_PAIRS.flip(1)).flip(0), whole)
        one_by_one = [model(X, adjacency, ALL_PAIRS[:, [pair]]) for pair in (0, 1, 5 * SIZE + 7)]
        torch.testing.assert_close(torch.cat(one_by_one), whole[[0, 1, 5 * SIZE + 7]])
        pieces = scoring.score_pairs(model, levels, adjacency, ALL_PAIRS, entries_at_once=size)
        torch.testing.assert_close(pieces, whole)
        in_chunks = sampled_network(options, completion_chunk=size)
        torch.testing.assert_close(in_chunks(X, adjacency, ALL_PAIRS), whole)
        moved, ids = torch.empty_like(X), torch.empty_like(order)
        moved[order], ids[order] = X, torch.arange(SIZE)
        # The weight belongs to the edge: built from the old labels, carried over to the new ones.
        edge_list, weight = adjacency.edges(), adjacency.weight[adjacency.row < adjacency.column]
        relabelled = Adjacency.from_edges(order[edge_list], SIZE, weight)
        h = model.encode(moved, relabelled, ids=ids)
        logits = model.predictor(model.predictor.node_levels(h), relabelled, order[ALL_PAIRS])
        torch.testing.assert_close(logits, whole, rtol=1e-4, atol=1e-5)


@settings(max_examples=40)
@given(CONFIGS, EDGE_LISTS, st.integers(1, 60), st.permutations(range(SIZE)))
def test_score_depends_on_the_pair_and_the_graph_alone(
    options: dict[str, Any], edges: list[tuple[int, int]], size: int, order: list[int]
) -> None:
    """Not on direction, batch, order, chunks or labels: for every predictor, encoder and input together."""
    check_invariants(options, edges, size, torch.tensor(order))


@pytest.mark.parametrize("edges", [HUB, []], ids=["hub", "empty"])
@pytest.mark.parametrize("predictor", ["gae_cn", "ncn2", "ncn_diff", "ncnc"])
@pytest.mark.parametrize("encoder", ["puregcn", "gcn", "sage", "gin"])
def test_hubs_and_empty_graphs_are_scored_alike(predictor: str, encoder: str, edges: list[tuple[int, int]]) -> None:
    options = {"predictor": predictor, "encoder": encoder, "completion_depth": 2, "edge_weights": True}
    check_invariants(options, edges, 3, torch.arange(SIZE).flip(0))


@settings(max_examples=25)
@given(CONFIGS, EDGE_LISTS, st.sampled_from([{"completion_alpha": 0.0}, {"completion_depth": 0}]))
def test_completion_switched_off_is_ncn_bit_for_bit_under_every_encoder(
    options: dict[str, Any], edges: list[tuple[int, int]], off: dict[str, float]
) -> None:
    adjacency = weighted_graph(edges)
    expected = sampled_network(options, predictor="ncn")(X, adjacency, ALL_PAIRS)
    assert torch.equal(sampled_network(options, predictor="ncnc", **off)(X, adjacency, ALL_PAIRS), expected)


@settings(max_examples=25)
@given(CONFIGS, EDGE_LISTS)
def test_every_model_learns_from_any_graph(options: dict[str, Any], edges: list[tuple[int, int]]) -> None:
    """With every dropout on, one step gives finite gradients to what it reads, and a loop (u, u) is no edge."""
    dropouts = ("feature", "encoder", "output", "encoder_edge", "predictor", "predictor_edge")
    model = sampled_network(options, **{f"{name}_dropout": 0.3 for name in dropouts}).train()
    model(X, weighted_graph([*edges, (4, 4)]), ALL_PAIRS).square().mean().backward()
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    assert all(bool(torch.isfinite(gradient).all()) for gradient in gradients)
    assert any(gradient.any() for gradient in gradients)
