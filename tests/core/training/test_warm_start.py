from __future__ import annotations

import pytest
import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.scoring import node_levels, score_pairs
from ncnc_core.training.data import TrainingData
from ncnc_core.training.trained_network import train_network
from ncnc_core.training.warm_start import carried_weights

NODES = 40
IDS = [f"node {number}" for number in range(NODES)]
GENERATOR = torch.Generator().manual_seed(0)
EDGES = torch.randint(NODES, (2, 150), generator=GENERATOR)
EDGES = EDGES[:, EDGES[0] != EDGES[1]]
FEATURES = torch.randn(NODES, 5, generator=GENERATOR)
MODELS = {
    "features": ModelConfig(hidden_channels=8, predictor="ncnc"),
    "vectors": ModelConfig(hidden_channels=8, node_embedding="only"),
    "both": ModelConfig(hidden_channels=8, node_embedding="added"),
}


def features_of(name: str) -> torch.Tensor | None:
    return None if name == "vectors" else FEATURES


def trained(name: str) -> LinkNetwork:
    data = TrainingData(
        num_nodes=NODES,
        features=features_of(name),
        train_edges=EDGES[:, :110],
        forbidden_keys=torch.zeros(0, dtype=torch.int64),
        valid_edges=EDGES[:, 110:],
        valid_negatives=torch.randint(NODES, (2, 40), generator=torch.Generator().manual_seed(1)),
    )
    recipe = TrainingConfig(epochs=2, batch_size=64)
    return train_network(MODELS[name], recipe, data, selection_metric="auc").network


def scores(network: LinkNetwork, features: torch.Tensor | None, graph: Adjacency, pairs: torch.Tensor) -> torch.Tensor:
    return score_pairs(network, node_levels(network, features, graph), graph, pairs)


@pytest.mark.parametrize("name", MODELS)
def test_permuted_ids_and_new_nodes_leave_the_scores_of_old_pairs_alone(name: str) -> None:
    before = trained(name)
    order = torch.randperm(NODES, generator=GENERATOR)  # where each old position stands tonight ...
    place = torch.argsort(order)
    extra = NODES // 20  # ... and 5 % new nodes after them
    ids = [IDS[old] for old in order.tolist()] + [f"new {number}" for number in range(extra)]
    features = features_of(name)
    if features is not None:
        features = torch.cat([features[order], torch.randn(extra, 5, generator=GENERATOR)])
    fresh = LinkNetwork.for_graph(MODELS[name], features, NODES + extra)
    carried = carried_weights(before.state_dict(), IDS, fresh, ids)
    fresh.load_state_dict(carried.weights)

    pairs = torch.randint(NODES, (2, 300), generator=GENERATOR)
    pairs = pairs[:, pairs[0] != pairs[1]]
    old = scores(before, features_of(name), Adjacency.from_edges(EDGES, NODES), pairs)
    new = scores(fresh, features, Adjacency.from_edges(place[EDGES], NODES + extra), place[pairs])
    torch.testing.assert_close(new, old, rtol=1e-4, atol=1e-5)
    assert (carried.known_nodes, carried.new_nodes) == (NODES, extra)


def test_taking_positions_for_ids_would_be_seen() -> None:
    before = trained("vectors")
    fresh = LinkNetwork.for_graph(MODELS["vectors"], None, NODES)
    turned = carried_weights(before.state_dict(), IDS, fresh, IDS[::-1]).weights
    (name,) = [name for name in turned if name.endswith("embedding.weight")]
    assert torch.equal(turned[name], before.state_dict()[name].flip(0))
    assert not torch.equal(turned[name], before.state_dict()[name])


def test_a_new_node_keeps_what_it_was_initialised_with_and_a_departed_one_is_left_behind() -> None:
    before = trained("vectors")
    fresh = LinkNetwork.for_graph(MODELS["vectors"], None, 3)
    own = {name: tensor.clone() for name, tensor in fresh.state_dict().items()}
    carried = carried_weights(before.state_dict(), IDS, fresh, ["node 7", "stranger", "node 0"])
    (name,) = [name for name in own if name.endswith("embedding.weight")]
    table = before.state_dict()[name]
    assert torch.equal(carried.weights[name], torch.stack([table[7], own[name][1], table[0]]))
    assert (carried.known_nodes, carried.new_nodes) == (2, 1)


def test_no_known_node_is_a_table_of_fresh_vectors() -> None:
    before, fresh = trained("vectors"), LinkNetwork.for_graph(MODELS["vectors"], None, 2)
    carried = carried_weights(before.state_dict(), IDS, fresh, ["a", "b"])
    fresh.load_state_dict(carried.weights)
    assert (carried.known_nodes, carried.new_nodes) == (0, 2)


def test_a_vector_of_an_integer_feature_stays_with_its_value_whichever_nodes_there_are() -> None:
    config = ModelConfig(hidden_channels=8, node_embedding="only")
    before = LinkNetwork.for_graph(config, torch.arange(NODES), NODES)
    fresh = LinkNetwork.for_graph(config, torch.arange(NODES + 2), NODES)  # as many nodes, and two values more
    (name,) = [name for name in fresh.state_dict() if name.endswith("embedding.weight")]
    own = fresh.state_dict()[name].clone()
    carried = carried_weights(before.state_dict(), IDS, fresh, IDS[::-1], vectors_by="feature").weights[name]
    assert torch.equal(carried, torch.cat([before.state_dict()[name], own[NODES:]]))


def test_a_table_without_a_vector_for_each_id_is_refused() -> None:
    fresh = LinkNetwork.for_graph(MODELS["vectors"], None, NODES)
    with pytest.raises(InvalidGraph, match=r"has 40 vectors for 39 node ids.*Give the ids that the model was trained"):
        carried_weights(trained("vectors").state_dict(), IDS[1:], fresh, IDS)


def test_another_architecture_is_refused_by_the_first_tensor_that_does_not_fit() -> None:
    wider = LinkNetwork.for_graph(ModelConfig(hidden_channels=16), FEATURES, NODES)
    with pytest.raises(InvalidGraph, match=r"another architecture: \d+ of \d+ .*first: .*Train from random"):
        carried_weights(trained("features").state_dict(), IDS, wider, IDS)
