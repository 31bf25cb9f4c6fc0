"""A network of which it is known what it reads: one that hears a single feature of the pair, and nothing else."""

from __future__ import annotations

import pytest
import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.networks import permuted_features
from ncnc_core.networks.permuted_features import permuted_logits
from ncnc_core.networks.scoring import node_levels, score_pairs
from ncnc_core.networks.temporal_network import TemporalNetwork
from ncnc_core.temporal.pair_features import feature_groups, feature_names, pair_features
from tests.fixtures.evolving_graphs import pairs_of, random_history

GRAPH = random_history(0).graph_at(30)
PAIRS = pairs_of(30, 60)


def network_for() -> TemporalNetwork:
    torch.manual_seed(0)
    network = TemporalNetwork.for_graph(
        ModelConfig(predictor="temporal_ncn", hidden_channels=8, predictor_dropout=0.3), None
    )
    network.window.fill_(12)
    graph = network.timed(GRAPH)
    network.fit_node_scales([graph], None, GRAPH.degree > 0)
    network.pair_scale.fit(pair_features(graph, PAIRS).values)
    return network


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_network_that_hears_one_feature_changes_with_its_group_alone() -> None:
    network = network_for()
    deaf = network.feature_mlp.get_parameter("0.weight")
    heard = feature_names().index("smaller_last_age")
    with torch.no_grad():
        kept = deaf[:, heard].clone()
        deaf.zero_()
        deaf[:, heard] = kept
    levels = node_levels(network, None, GRAPH)
    before = score_pairs(network, levels, GRAPH, PAIRS)
    found = permuted_logits(network, levels, GRAPH, PAIRS, drawn())
    assert set(found) == set(feature_groups())
    for name, logits in found.items():
        assert torch.equal(logits, before) == (name != "activity of the ends"), name


def test_the_features_of_a_group_are_those_of_one_other_pair_and_the_rest_stays() -> None:
    network = network_for()
    levels = node_levels(network, None, GRAPH)
    order = torch.randperm(PAIRS.shape[1], generator=drawn(3))
    network.eval()
    with torch.no_grad():
        read = network.read(levels, network.timed_by(levels, GRAPH), PAIRS)
        values = read.values.clone()
        values[:, :5] = values[order, :5]  # the five columns of the first group
        inputs = network.pair_scale(values)
        expected = network.product_logits(read.products, read.pooled, inputs)
    found = permuted_logits(
        network.train(), levels, GRAPH, PAIRS, drawn(3), groups={"overlap": feature_groups()["overlap"]}
    )
    torch.testing.assert_close(found["overlap"], expected)
    assert network.training  # the mode is restored; inside there was no dropout


def test_the_same_seed_gives_the_same_and_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    network = network_for()
    levels = node_levels(network, None, GRAPH)
    whole = permuted_logits(network, levels, GRAPH, PAIRS, drawn())
    monkeypatch.setattr(permuted_features, "ENTRIES_AT_ONCE", 5)
    cut = permuted_logits(network, levels, GRAPH, PAIRS, drawn())
    other = permuted_logits(network, levels, GRAPH, PAIRS, drawn(1))
    for name, logits in whole.items():
        torch.testing.assert_close(cut[name], logits)
    assert any(not torch.allclose(other[name], logits) for name, logits in whole.items())


def test_pairs_that_are_all_alike_lose_nothing() -> None:
    network, one = network_for(), PAIRS[:, :1].expand(2, 6)
    levels = node_levels(network, None, GRAPH)
    before = score_pairs(network, levels, GRAPH, one)
    for logits in permuted_logits(network, levels, GRAPH, one, drawn()).values():
        torch.testing.assert_close(logits, before)
