from __future__ import annotations

import math

import torch

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.structural_features import NUM_STRUCTURAL_FEATURES, structural_features

STAR = torch.tensor([[0, 0, 0], [1, 2, 3]])


def test_star_has_the_features_worked_by_hand() -> None:
    features = structural_features(Adjacency.from_edges(STAR, 5))
    assert features.shape == (5, NUM_STRUCTURAL_FEATURES)
    torch.testing.assert_close(features[0, :3], torch.tensor([math.log(4), math.log(2), math.log(2)]))
    torch.testing.assert_close(features[1, :3], torch.tensor([math.log(2), math.log(4), math.log(4)]))
    assert features[:, 3:].argmax(1).tolist() == [2, 1, 1, 1, 0]  # degree 3, 1, 1, 1, 0


def test_isolated_node_has_finite_features() -> None:
    features = structural_features(Adjacency.from_edges(STAR[:, :0], 2))
    assert features[:, :3].tolist() == [[0.0, 0.0, 0.0]] * 2


def test_hub_beyond_the_last_bucket_stays_in_it() -> None:
    leaves = torch.arange(1, 70_001)
    features = structural_features(Adjacency.from_edges(torch.stack([torch.zeros_like(leaves), leaves]), 70_001))
    assert int(features[0, 3:].argmax()) == 15


def test_target_links_taken_out_of_the_graph_are_out_of_the_features() -> None:
    graph = Adjacency.from_edges(STAR, 5)
    masked = structural_features(graph.without(torch.tensor([[0], [1]])))
    assert torch.equal(masked, structural_features(Adjacency.from_edges(STAR[:, 1:], 5)))
