from __future__ import annotations

from typing import Any

import pytest
import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.sampling.batch_sampler import BatchSampler
from ncnc_core.sampling.gathered_rows import GatheredRows, can_gather, encode_gathered

SIZE = 12
X = torch.rand(SIZE, 5, generator=torch.Generator().manual_seed(5))
PAIRS = torch.tensor([[0, 2, 5], [1, 3, 9]])


def network(**changes: Any) -> LinkNetwork:
    torch.manual_seed(0)
    return LinkNetwork(ModelConfig(hidden_channels=8, predictor="gae", **changes), num_features=5, num_ids=SIZE).eval()


def graph() -> Adjacency:
    edges = torch.randint(SIZE, (2, 40), generator=torch.Generator().manual_seed(2))
    edges = Adjacency.from_edges(edges, SIZE).edges()
    return Adjacency.from_edges(edges, SIZE, torch.rand(edges.shape[1], generator=torch.Generator().manual_seed(3)))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("encoder", ["puregcn", "puresum", "puremean", "gcn", "sage", "gin"])
def test_summing_before_the_input_stage_is_summing_after_it(encoder: str, layers: int, weighted: bool) -> None:
    """The same thinned rows, once numbered within the batch and once read from the whole graph."""
    model = network(encoder=encoder, num_layers=layers, edge_weights=weighted)
    sampler = BatchSampler(graph(), (3,) * layers)
    batch = sampler.draw(model, X, PAIRS)
    assert isinstance(batch.message, GatheredRows)
    plain = sampler.draw(model, X.to_sparse_csr(), PAIRS)
    assert not isinstance(plain.message, GatheredRows)
    expected = model.encode(X[plain.nodes], plain.message)
    found = encode_gathered(model, X, batch.nodes, batch.message)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "training", "features", "gathers"),
    [
        ({}, True, X, True),
        ({"predictor_dropout": 0.5, "output_dropout": 0.5}, True, X, True),  # neither stands before the sum
        ({"feature_dropout": 0.5}, False, X, True),  # evaluation drops nothing
        ({"feature_dropout": 0.5}, True, X, False),
        ({"encoder_dropout": 0.5}, True, X, False),
        ({"encoder_edge_dropout": 0.5}, True, X, False),
        ({"structural_features": True}, False, X, False),
        ({"node_embedding": "added"}, False, X, False),
        ({"encoder": "none"}, False, X, False),
        ({}, False, X.to_sparse_csr(), False),
        ({}, False, X[:, :4], False),  # refused later, by the network
        ({}, False, None, False),
    ],
)
def test_first_layer_is_gathered_where_nothing_stands_between_sum_and_linear(
    changes: dict[str, Any], training: bool, features: torch.Tensor | None, gathers: bool
) -> None:
    assert can_gather(network(**changes).train(training), features) is gathers


def test_gathering_gives_the_input_stage_its_gradient_and_the_features_none() -> None:
    model = network(encoder="puregcn").train()
    features = X.clone()
    batch = BatchSampler(graph(), (99,), generator=torch.Generator().manual_seed(0)).draw(model, features, PAIRS)
    model.encode(features, graph())[batch.nodes].square().sum().backward()
    exact = [one.grad.clone() for one in model.encoder.parameters() if one.grad is not None]
    model.zero_grad()
    batch.encode(model, features).square().sum().backward()
    found = [one.grad for one in model.encoder.parameters() if one.grad is not None]
    for one, other in zip(found, exact, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_rows_read_from_the_features_refuse_to_drop_edges() -> None:
    batch = BatchSampler(graph(), (3,)).draw(network(), X, PAIRS)
    with pytest.raises(InvalidGraph, match=r"encoder_edge_dropout is 0\.5\. Draw the batch for the network"):
        batch.message.dropped(0.5, symmetric=False)
