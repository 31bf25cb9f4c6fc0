from __future__ import annotations

import pytest
import torch

from benchmarks.speed.plain_ncnc import PlainGraph, PlainNCNC
from ncnc_core.config.model import ModelConfig
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.link_network import LinkNetwork

SIZE = 30
PAIRS = torch.triu_indices(SIZE, SIZE, offset=1)


def network(**changes: object) -> LinkNetwork:
    torch.manual_seed(0)
    options = {"hidden_channels": 8, "completion_offset": 0.0, "completion_max_neighbors": None}
    return LinkNetwork(ModelConfig(**{**options, **changes}), num_features=5)  # type: ignore[arg-type]


@pytest.mark.parametrize("density", [0.05, 0.3])
def test_plain_way_gives_our_logits_on_pairs_that_are_no_edges(density: float) -> None:
    generator = torch.Generator().manual_seed(1)
    edges = PAIRS[:, torch.rand(PAIRS.shape[1], generator=generator) < density]
    features, model = torch.rand(SIZE, 5, generator=generator), network().eval()
    adjacency = Adjacency.from_edges(edges, SIZE)
    pairs = PAIRS[:, ~adjacency.has(PAIRS)]
    with torch.no_grad():
        plain = PlainNCNC(model).logits(features, PlainGraph.of(edges, SIZE), pairs)
        torch.testing.assert_close(model(features, adjacency, pairs), plain, rtol=1e-4, atol=1e-5)


def test_plain_step_changes_its_own_weights_alone() -> None:
    model = network(feature_dropout=0.5, predictor_dropout=0.5, predictor_edge_dropout=0.5)
    before = {name: one.clone() for name, one in model.state_dict().items()}
    plain = PlainNCNC(model)
    plain.network.train()
    plain.train_step(torch.rand(SIZE, 5), PAIRS, torch.arange(20), PAIRS[:, 40:60], plain.optimizer(0.1, 0.1))
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())
    assert not torch.equal(plain.network.state_dict()["predictor.head.beta"], before["predictor.head.beta"])


def test_depth_zero_is_ncn() -> None:
    generator = torch.Generator().manual_seed(1)
    edges, h = PAIRS[:, ::4], torch.rand(SIZE, 8, generator=generator)
    model = network(predictor="ncn").eval()
    with torch.no_grad():
        plain = PlainNCNC(model)
        plain.network.eval()
        ours = model.predictor(model.predictor.node_levels(h), Adjacency.from_edges(edges, SIZE), PAIRS)
        torch.testing.assert_close(
            plain.score(h, PlainGraph.of(edges, SIZE), PAIRS, depth=0), ours, rtol=1e-4, atol=1e-5
        )


def test_another_predictor_is_refused() -> None:
    with pytest.raises(TypeError, match=r"not of this gae\. Give a network with both"):
        PlainNCNC(network(predictor="gae"))


def test_encoder_without_jumping_knowledge_is_refused() -> None:
    plain = PlainNCNC(network(jumping_knowledge=False))
    with pytest.raises(TypeError, match=r"5 features and jumping_knowledge False\. Give one built"):
        plain.logits(torch.rand(SIZE, 5), PlainGraph.of(PAIRS, SIZE), PAIRS)
