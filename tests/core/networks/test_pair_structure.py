from __future__ import annotations

import networkx as nx
import pytest
import torch
from torch import Tensor

from ncnc_core.config.model import ModelConfig
from ncnc_core.evaluation.heuristics import adamic_adar, common_neighbor_count, resource_allocation
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.pair_structure import PairStructure
from ncnc_core.networks.scoring import node_levels, score_pairs
from ncnc_core.sampling.batch_sampler import BatchSampler
from ncnc_core.sampling.scoring import score_pairs_sampled


def graph(nodes: int, probability: float) -> Adjacency:
    edges = list(nx.gnp_random_graph(nodes, probability, seed=3).edges)
    return Adjacency.from_edges(torch.tensor(edges, dtype=torch.int64).T.reshape(2, -1), nodes)


def every_pair(nodes: int) -> Tensor:
    return torch.combinations(torch.arange(nodes), 2).T.contiguous()


def trained(structure: PairStructure) -> PairStructure:
    torch.manual_seed(0)
    for parameter in structure.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return structure


@pytest.mark.parametrize("probability", [0.1, 0.9], ids=["lists", "bits"])
def test_fixed_weights_are_the_heuristics(probability: float) -> None:
    adjacency = graph(70, probability)
    pairs = every_pair(70)
    counts = PairStructure().counts(adjacency, pairs)
    for column, heuristic in enumerate((common_neighbor_count, adamic_adar, resource_allocation)):
        torch.testing.assert_close(counts[:, column], torch.log1p(heuristic(adjacency, pairs)), rtol=1e-4, atol=1e-5)


def test_untrained_part_adds_nothing() -> None:
    assert PairStructure()(graph(20, 0.3), every_pair(20)).abs().max() == 0


def test_counts_do_not_depend_on_which_end_comes_first() -> None:
    adjacency, pairs = graph(30, 0.3), every_pair(30)
    structure = trained(PairStructure())
    assert torch.equal(structure(adjacency, pairs), structure(adjacency, pairs.flip(0)))


def test_an_edge_of_the_graph_does_not_tell_on_itself() -> None:
    adjacency = graph(30, 0.3)
    edges = adjacency.edges()[:, :1]
    structure = trained(PairStructure())
    # Shared neighbours keep their degrees, the ends lose each other: the same counts as without the edge.
    torch.testing.assert_close(structure(adjacency, edges), structure(adjacency.without(edges), edges))


def test_isolated_nodes_and_an_empty_graph_have_finite_counts() -> None:
    empty = Adjacency.from_edges(torch.zeros(2, 0, dtype=torch.int64), 3)
    counts = PairStructure().counts(empty, torch.tensor([[0, 1], [1, 1]]))
    assert torch.isfinite(counts).all()
    assert counts[:, :3].abs().max() == 0


@pytest.mark.parametrize("predictor", ["gae", "ncn", "ncnc"])
def test_network_adds_the_structure_to_the_logit_of_its_content(predictor: str) -> None:
    adjacency, pairs = graph(40, 0.2), every_pair(40)
    torch.manual_seed(1)
    config = ModelConfig(predictor=predictor, hidden_channels=8, pair_structure=True)
    network = LinkNetwork(config, num_features=0).eval()
    levels = node_levels(network, None, adjacency)
    without = score_pairs(network, levels, adjacency, pairs)
    assert network.pair_structure is not None
    trained(network.pair_structure)
    expected = without + network.pair_structure(adjacency, pairs).detach()
    torch.testing.assert_close(score_pairs(network, levels, adjacency, pairs), expected)


def test_structure_is_the_same_on_a_sample_that_takes_every_neighbour() -> None:
    adjacency, pairs = graph(40, 0.2), every_pair(40)
    torch.manual_seed(1)
    config = ModelConfig(predictor="ncn", hidden_channels=8, pair_structure=True)
    network = LinkNetwork(config, num_features=0).eval()
    assert network.pair_structure is not None
    trained(network.pair_structure)
    exact = score_pairs(network, node_levels(network, None, adjacency), adjacency, pairs)
    sampler = BatchSampler(adjacency, fan_out=(40,), overlap_limit=None)
    torch.testing.assert_close(score_pairs_sampled(network, None, sampler, pairs), exact, rtol=1e-4, atol=1e-4)
