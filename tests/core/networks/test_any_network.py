from __future__ import annotations

import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.networks.any_network import network_for_graph, network_of_sizes
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.temporal_network import TemporalNetwork

FEATURES = torch.rand(6, 2)


def test_the_predictor_says_which_network_it_is() -> None:
    timed, plain = ModelConfig(predictor="temporal_ncn", hidden_channels=4), ModelConfig(hidden_channels=4)
    assert isinstance(network_for_graph(timed, FEATURES, 6), TemporalNetwork)
    assert isinstance(network_for_graph(plain, FEATURES, 6), LinkNetwork)
    assert isinstance(network_of_sizes(timed, num_features=2, num_ids=0), TemporalNetwork)
    assert isinstance(network_of_sizes(plain, num_features=2, num_ids=0), LinkNetwork)


def test_a_network_of_sizes_takes_the_weights_of_one_for_a_graph() -> None:
    for predictor in ("temporal_ncn", "ncn"):
        network = network_for_graph(ModelConfig(predictor=predictor, hidden_channels=4), FEATURES, 6)
        again = network_of_sizes(network.config, num_features=network.num_features, num_ids=network.num_ids)
        again.load_state_dict(network.state_dict())
        assert again.num_parameters == network.num_parameters
