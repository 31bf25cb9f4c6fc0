from __future__ import annotations

from typing import Any

import pytest
import torch

from ncnc_core.adjacency import Adjacency
from ncnc_core.errors import InvalidGraph
from ncnc_core.link_network import LinkNetwork
from ncnc_core.model_config import ModelConfig

PUREGCN_JK: dict[str, Any] = {"encoder": "puregcn", "num_layers": 1, "hidden_channels": 256, "jumping_knowledge": True}
GCN: dict[str, Any] = {"encoder": "gcn", "hidden_channels": 64, "jumping_knowledge": False, "residual": True}


# The acceptance counts of the published configurations (NCN); ppa and ddi are on the OGB leaderboard too.
@pytest.mark.parametrize(
    ("options", "num_features", "num_ids", "count"),
    [
        pytest.param(PUREGCN_JK, 1433, 0, 764_163, id="cora"),
        pytest.param({**PUREGCN_JK, "two_layer_head": True}, 3703, 0, 1_411_587, id="citeseer"),
        pytest.param(PUREGCN_JK, 500, 0, 525_315, id="pubmed"),
        pytest.param({**GCN, "num_layers": 1}, 128, 0, 33_922, id="collab"),
        pytest.param(
            {**GCN, "num_layers": 3, "neighbor_transform": False, "node_embedding": "only"}, 0, 58, 33_538, id="ppa"
        ),
        pytest.param(
            {
                "encoder": "puregcn",
                "num_layers": 3,
                "hidden_channels": 64,
                "jumping_knowledge": False,
                "residual": True,
            },
            128,
            0,
            33_794,
            id="citation2",
        ),
        pytest.param(
            {
                "encoder": "puresum",
                "num_layers": 1,
                "hidden_channels": 224,
                "jumping_knowledge": False,
                "residual": True,
                "neighbor_output_linear": True,
                "two_layer_head": True,
                "node_embedding": "only",
            },
            0,
            4268,
            1_412_098,
            id="ddi",
        ),
    ],
)
def test_published_configurations_have_the_published_parameter_counts(
    options: dict[str, Any], num_features: int, num_ids: int, count: int
) -> None:
    network = LinkNetwork(ModelConfig(predictor="ncn", **options), num_features=num_features, num_ids=num_ids)
    assert network.num_parameters == count


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
