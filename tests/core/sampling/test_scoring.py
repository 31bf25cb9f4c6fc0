from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ncnc_core.config.model import ModelConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.scoring import node_levels, score_pairs
from ncnc_core.sampling.batch_sampler import BatchSampler
from ncnc_core.sampling.scoring import score_pairs_sampled

SIZE = 14
ALL_PAIRS = torch.triu_indices(SIZE, SIZE, offset=1)
X = torch.rand(SIZE, 5, generator=torch.Generator().manual_seed(5))
MANY = 2 * SIZE
edge_lists = st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)), max_size=50)


def network(num_features: int = 5, **changes: Any) -> LinkNetwork:
    torch.manual_seed(0)
    options = {"predictor": "ncn", "hidden_channels": 8, "completion_offset": 0.0}
    return LinkNetwork(ModelConfig(**{**options, **changes}), num_features=num_features, num_ids=SIZE).eval()


def stirred(model: LinkNetwork) -> LinkNetwork:
    """Give every weight some value: the structural part of the logit starts at zero."""
    generator = torch.Generator().manual_seed(7)
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=generator)
    return model


def graph(edges: list[tuple[int, int]], weight: torch.Tensor | None = None) -> Adjacency:
    return Adjacency.from_edges(torch.tensor(edges, dtype=torch.int64).reshape(-1, 2).T, SIZE, weight)


def hub() -> Adjacency:
    """Node 0 and node 1 are joined to all others, which form a ring."""
    ring = [(v, v + 1) for v in range(2, SIZE - 1)]
    return graph([(0, v) for v in range(1, SIZE)] + [(1, v) for v in range(2, SIZE)] + ring)


def whole(model: LinkNetwork, adjacency: Adjacency) -> BatchSampler:
    return BatchSampler(adjacency, [MANY] * len(model.encoder.convolutions))


@pytest.mark.parametrize("predictor", ["gae", "gae_cn", "ncn", "ncn_diff", "ncnc"])
@pytest.mark.parametrize("encoder", ["puregcn", "puresum", "puremean", "gcn", "sage", "gin", "none"])
@settings(max_examples=5)
@given(edge_lists)
def test_whole_neighborhoods_give_the_exact_logits(encoder: str, predictor: str, edges: list[tuple[int, int]]) -> None:
    model, adjacency = network(predictor=predictor, encoder=encoder, num_layers=2), graph(edges)
    exact = score_pairs(model, node_levels(model, X, adjacency), adjacency, ALL_PAIRS)
    sampled = score_pairs_sampled(model, X, whole(model, adjacency), ALL_PAIRS)
    torch.testing.assert_close(sampled, exact, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "changes",
    [
        {"num_layers": 1},
        {"num_layers": 3, "residual": True, "jumping_knowledge": False},
        {"predictor": "ncnc", "completion_depth": 2, "completion_max_neighbors": None},
        # No cap: what it keeps is spaced along the embeddings in the exact mode, and along positions in this one.
        {"predictor": "ncnc", "completion_max_neighbors": None},
        {"predictor": "ncnc", "completion_reads_raw_embeddings": True},
        {"predictor": "ncnc", "score_known_edges_as_published": True, "completion_max_neighbors": None},
        {"structural_features": True},
        {"node_embedding": "only"},
        {"pair_structure": True},
        {"pair_structure": True, "predictor": "gae"},
        {"node_embedding": "added", "encoder": "gcn", "num_layers": 2},
    ],
)
def test_whole_neighborhoods_give_the_exact_logits_whatever_the_switches(changes: dict[str, Any]) -> None:
    model, adjacency = stirred(network(**changes)), hub()
    exact = score_pairs(model, node_levels(model, X, adjacency), adjacency, ALL_PAIRS)
    sampled = score_pairs_sampled(model, X, whole(model, adjacency), ALL_PAIRS)
    torch.testing.assert_close(sampled, exact, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", ["sparse", "none"])
def test_features_may_be_sparse_or_missing(form: str) -> None:
    model = network() if form == "sparse" else network(0)
    features = X.to_sparse_csr() if form == "sparse" else None
    adjacency = hub()
    exact = score_pairs(model, node_levels(model, X if form == "sparse" else None, adjacency), adjacency, ALL_PAIRS)
    sampled = score_pairs_sampled(model, features, whole(model, adjacency), ALL_PAIRS)
    torch.testing.assert_close(sampled, exact, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("encoder", ["puregcn", "puresum", "puremean", "gcn", "sage", "gin"])
def test_edge_weights_are_those_of_the_whole_graph(encoder: str) -> None:
    edges = hub().edges()
    adjacency = graph(edges.T.tolist(), torch.rand(edges.shape[1], generator=torch.Generator().manual_seed(1)))
    model = network(edge_weights=True, encoder=encoder, num_layers=2)
    exact = score_pairs(model, node_levels(model, X, adjacency), adjacency, ALL_PAIRS)
    torch.testing.assert_close(
        score_pairs_sampled(model, X, whole(model, adjacency), ALL_PAIRS), exact, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("predictor", ["ncn", "ncnc"])
def test_score_depends_on_the_pair_alone(predictor: str) -> None:
    """Thinned to 3 and 2 of 13 neighbours: neither batch, nor order, nor direction changes what is read."""
    model = network(predictor=predictor, num_layers=2, completion_max_neighbors=2)
    sampler = BatchSampler(hub(), (3, 2), 4)
    together = score_pairs_sampled(model, X, sampler, ALL_PAIRS)
    apart = score_pairs_sampled(model, X, sampler, ALL_PAIRS, nodes_at_once=1)
    alone = torch.cat([score_pairs_sampled(model, X, sampler, ALL_PAIRS[:, [one]]) for one in range(9)])
    order = torch.randperm(ALL_PAIRS.shape[1], generator=torch.Generator().manual_seed(0))
    shuffled = score_pairs_sampled(model, X, sampler, ALL_PAIRS[:, order].flip(0))
    close = {"rtol": 1e-4, "atol": 1e-5}
    torch.testing.assert_close(apart, together, **close)
    torch.testing.assert_close(alone, together[:9], **close)
    torch.testing.assert_close(shuffled, together[order], **close)
    exact = score_pairs(model, node_levels(model, X, hub()), hub(), ALL_PAIRS)
    assert not torch.allclose(together, exact, atol=1e-3)  # it was thinned


def test_generator_of_a_training_sampler_is_left_alone() -> None:
    generator = torch.Generator().manual_seed(4)
    model, state = network(), generator.get_state()
    sampler = BatchSampler(hub(), (2,), 2, generator=generator)
    first = score_pairs_sampled(model, X, sampler, ALL_PAIRS)
    assert torch.equal(score_pairs_sampled(model, X, sampler, ALL_PAIRS), first)
    assert torch.equal(generator.get_state(), state)


def test_mode_of_the_network_is_restored_and_no_gradient_kept() -> None:
    model = network(predictor_dropout=0.5, feature_dropout=0.5).train()
    scores = score_pairs_sampled(model, X, whole(model, hub()), ALL_PAIRS)
    assert model.training
    assert not scores.requires_grad
    assert torch.equal(score_pairs_sampled(model, X, whole(model, hub()), ALL_PAIRS), scores)


@pytest.mark.parametrize("adjacency", [graph([]), hub()], ids=["empty", "hub"])
def test_no_pairs_give_no_scores(adjacency: Adjacency) -> None:
    assert score_pairs_sampled(network(), X, BatchSampler(adjacency, (3,)), ALL_PAIRS[:, :0]).shape == (0,)


def test_features_may_be_memory_mapped(tmp_path: Path) -> None:
    np.save(tmp_path / "features.npy", X.numpy())
    mapped = torch.from_numpy(np.load(tmp_path / "features.npy", mmap_mode="c"))
    model = network()
    expected = score_pairs_sampled(model, X, BatchSampler(hub(), (3,)), ALL_PAIRS)
    assert torch.equal(score_pairs_sampled(model, mapped, BatchSampler(hub(), (3,)), ALL_PAIRS), expected)


def test_position_of_no_node_is_refused() -> None:
    with pytest.raises(InvalidGraph, match=r"position 14, but the graph has positions 0 to 13. Give positions"):
        score_pairs_sampled(network(), X, BatchSampler(hub(), (3,)), torch.tensor([[0], [SIZE]]))


def test_features_of_another_width_are_refused() -> None:
    with pytest.raises(InvalidGraph, match="built for 5 node features, but the graph has 4"):
        score_pairs_sampled(network(), X[:, :4], BatchSampler(hub(), (3,)), ALL_PAIRS)


def test_edge_weights_that_no_layer_reads_are_no_obstacle() -> None:
    model = network(encoder="none", edge_weights=True)
    weighted = hub()
    weighted = Adjacency.from_edges(weighted.edges(), SIZE, torch.arange(1.0, 1 + weighted.num_edges))
    exact = score_pairs(model, node_levels(model, X, weighted), weighted, ALL_PAIRS)
    torch.testing.assert_close(score_pairs_sampled(model, X, whole(model, weighted), ALL_PAIRS), exact)
