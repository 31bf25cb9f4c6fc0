from __future__ import annotations

import pytest
import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.scoring import node_levels, score_pairs
from ncnc_core.networks.temporal_network import HEADS, MOST_FEATURES, TemporalNetwork
from ncnc_core.temporal.pair_features import feature_names, pair_features
from ncnc_core.temporal.timed_graph import NODE_FEATURES, TimedGraph
from tests.fixtures.evolving_graphs import pairs_of, random_history

CONFIG = ModelConfig(predictor="temporal_ncn", hidden_channels=8, predictor_dropout=0.3)
GRAPH = random_history(0).graph_at(30)
PAIRS = pairs_of(30, 60)
FEATURES = torch.randn(30, 3, generator=torch.Generator().manual_seed(0)) * 100 + 7


def network_for(features: torch.Tensor | None = None, config: ModelConfig = CONFIG) -> TemporalNetwork:
    torch.manual_seed(0)
    network = TemporalNetwork.for_graph(config, features)
    network.window.fill_(12)
    graph = network.timed(GRAPH)
    network.fit_node_scales([graph], features, GRAPH.degree > 0)
    network.pair_scale.fit(pair_features(graph, PAIRS).values)
    return network.eval()


def scores(
    network: TemporalNetwork, graph: Adjacency, pairs: torch.Tensor, features: torch.Tensor | None = None
) -> torch.Tensor:
    return score_pairs(network, node_levels(network, features, graph), graph, pairs)


def test_the_logit_is_the_formula() -> None:
    network = network_for()
    h, g, *_ = node_levels(network, None, GRAPH)
    timed = network.timed(GRAPH)
    neighbors = [set(GRAPH.column[GRAPH.row == node].tolist()) for node in range(30)]
    decay = dict(zip(zip(GRAPH.row.tolist(), GRAPH.column.tolist(), strict=True), timed.decay, strict=True))
    pooled = torch.zeros(PAIRS.shape[1], HEADS * 8)
    for row, (i, j) in enumerate(PAIRS.T.tolist()):
        for u in neighbors[i] & neighbors[j]:
            both = decay[i, u] * decay[j, u]
            pooled[row] += torch.cat([weight * g[u] for weight in (1.0, both[1], both[2], both[3])])
    f = network.feature_mlp(network.pair_scale(pair_features(timed, PAIRS).values))
    head = network.head
    z = head.pair_mlp(h[PAIRS[0]] * h[PAIRS[1]]) + head.beta * head.neighbor_mlp(pooled)
    assert head.extra_mlp is not None
    expected = network.feature_weight(f).squeeze(1) + head.readout(z + head.extra_mlp(f)).squeeze(1)
    torch.testing.assert_close(scores(network, GRAPH, PAIRS), expected.detach(), atol=1e-5, rtol=1e-5)


def test_what_is_propagated_is_the_scaled_nodes_and_two_steps_of_them() -> None:
    network = network_for(FEATURES)
    assert network.standard is not None
    dense = torch.zeros(30, 30)
    dense[GRAPH.row, GRAPH.column] = 1
    scale = (1 + dense.sum(1)).rsqrt()
    step = scale[:, None] * (dense + torch.eye(30)) * scale
    x = torch.cat([network.node_scale(network.timed(GRAPH).node), network.standard(FEATURES)], 1)
    found = network.propagated(network.timed(GRAPH), FEATURES)
    torch.testing.assert_close(found, torch.cat([x, step @ x, step @ step @ x], 1), atol=1e-5, rtol=1e-5)


def test_a_pair_scores_the_same_in_either_direction_and_in_any_chunk() -> None:
    network = network_for()
    levels, found = node_levels(network, None, GRAPH), scores(network, GRAPH, PAIRS)
    assert torch.equal(scores(network, GRAPH, PAIRS.flip(0)), found)
    chunked = score_pairs(network, levels, GRAPH, PAIRS, entries_at_once=20)
    torch.testing.assert_close(chunked, found, atol=1e-6, rtol=1e-6)
    assert scores(network, GRAPH, PAIRS[:, :0]).shape == (0,)


def test_what_is_pooled_is_the_sum_of_its_rows() -> None:
    network = network_for()
    values = torch.randn(30, 8, generator=torch.Generator().manual_seed(1))
    found = pair_features(network.timed(GRAPH), PAIRS)
    rows = network.pooled_rows(values[found.common.node], found.decay)
    sums = torch.zeros(PAIRS.shape[1], HEADS * 8).index_add_(0, found.common.owner, rows)
    torch.testing.assert_close(network.pooled(values, found.common, found.decay), sums)


def test_ages_are_read_in_the_windows_of_training() -> None:
    network = network_for()
    before = scores(network, GRAPH, PAIRS)
    network.window.fill_(6)
    assert not torch.equal(scores(network, GRAPH, PAIRS), before)
    assert torch.equal(network.timed(GRAPH).decay, TimedGraph.of(GRAPH, 6.0).decay)


@pytest.mark.parametrize("kind", ["measured", "raw", "bag", "sparse"])
def test_node_features_of_any_kind_are_read(kind: str) -> None:
    bag = torch.nn.functional.one_hot(torch.arange(30) % 20, 20).float()
    features = {"measured": FEATURES, "raw": FEATURES, "bag": bag, "sparse": bag.to_sparse_csr()}[kind]
    config = CONFIG.model_copy(update={"standardize_features": kind != "raw"})
    network = network_for(features, config)
    assert (network.standard is not None) == (kind == "measured")
    assert network.config.standardize_features == (kind == "measured")
    found = scores(network, GRAPH, PAIRS, features)
    assert torch.isfinite(found).all()
    changed = features.to_dense().roll(1, 0)
    assert not torch.allclose(scores(network, GRAPH, PAIRS, changed), found)
    if kind == "sparse":
        torch.testing.assert_close(scores(network, GRAPH, PAIRS, bag), found)


def test_measurements_are_standardised_by_the_nodes_that_have_edges() -> None:
    network = network_for(FEATURES)
    assert network.standard is not None
    torch.testing.assert_close(network.standard.mean, FEATURES[GRAPH.degree > 0].mean(0))


def test_features_that_are_too_many_or_ids_or_others_than_trained_on_are_refused() -> None:
    with pytest.raises(
        InvalidGraph, match=rf"up to {MOST_FEATURES} node features, but there are 257\. Reduce them, or"
    ):
        TemporalNetwork.for_graph(CONFIG, torch.rand(3, MOST_FEATURES + 1))
    TemporalNetwork.for_graph(CONFIG, torch.rand(3, MOST_FEATURES))
    with pytest.raises(InvalidGraph, match=r"reads no integer ids\. Leave them out, or choose the predictor ncnc"):
        TemporalNetwork.for_graph(CONFIG, torch.arange(3))
    with pytest.raises(InvalidGraph, match=r"built for 3 node features, but the graph has 0\. Give the graph the"):
        scores(network_for(FEATURES), GRAPH, PAIRS)
    with pytest.raises(InvalidGraph, match=r"edges have no times\. Give time"):
        node_levels(network_for(), None, Adjacency.from_edges(GRAPH.edges(), 30))


def test_width_follows_the_features_and_the_head_has_one_weight_a_parameter() -> None:
    network = TemporalNetwork(CONFIG, num_features=5)
    first = network.node_mlp[0]
    assert isinstance(first, torch.nn.Linear)
    assert first.in_features == 3 * (len(NODE_FEATURES) + 5)
    assert network.pair_scale.knots.shape[0] == len(feature_names())
    assert network.num_parameters == sum(one.numel() for one in network.parameters())
    assert network.num_ids == 0
