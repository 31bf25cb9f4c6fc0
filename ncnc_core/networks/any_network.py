"""Both kinds of networks, and the one that a configuration asks for."""

from __future__ import annotations

from torch import Tensor

from ncnc_core.config.model import ModelConfig
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.temporal_network import TemporalNetwork

AnyNetwork = LinkNetwork | TemporalNetwork


def network_for_graph(config: ModelConfig, features: Tensor | None, num_nodes: int) -> AnyNetwork:
    """Build the network that fits a graph's features: [nodes, features], integer ids [nodes], or none.

    Raises:
        InvalidGraph: the features are not what the predictor takes.
    """
    if config.predictor == "temporal_ncn":
        return TemporalNetwork.for_graph(config, features)
    return LinkNetwork.for_graph(config, features, num_nodes)


def network_of_sizes(config: ModelConfig, *, num_features: int, num_ids: int) -> AnyNetwork:
    """Build a network of given sizes, to be loaded."""
    if config.predictor == "temporal_ncn":
        return TemporalNetwork(config, num_features=num_features)
    return LinkNetwork(config, num_features=num_features, num_ids=num_ids)
