from __future__ import annotations

import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.sampling.batch_sampler import BatchSampler
from ncnc_core.sampling.gathered_rows import GatheredRows

RING = Adjacency.from_edges(torch.stack([torch.arange(10), (torch.arange(10) + 1) % 10]), 10)
PAIRS = torch.tensor([[2, 7], [4, 9]])


def test_embeddings_are_those_of_the_nodes_scored_or_pooled_in_the_order_of_positions() -> None:
    """The pairs of a ring two apart have one neighbour in common: 3 and 8."""
    torch.manual_seed(0)
    model = LinkNetwork(ModelConfig(predictor="ncn", hidden_channels=4), num_features=3).eval()
    features = torch.rand(10, 3)
    batch = BatchSampler(RING, (5,)).draw(model, features, PAIRS)
    assert batch.nodes[: batch.overlap.num_nodes].tolist() == [2, 3, 4, 7, 8, 9]
    assert batch.pairs.tolist() == [[0, 3], [2, 5]]
    expected = model.encode(features, RING)[[2, 3, 4, 7, 8, 9]]
    torch.testing.assert_close(batch.encode(model, features), expected)


def test_integer_features_are_looked_up_for_the_batch_alone() -> None:
    torch.manual_seed(0)
    model = LinkNetwork(ModelConfig(hidden_channels=4, node_embedding="only"), num_features=0, num_ids=3).eval()
    ids = torch.arange(10) % 3
    batch = BatchSampler(RING, (5,)).draw(model, ids, PAIRS)
    assert not isinstance(batch.message, GatheredRows)
    expected = model.encode(ids, RING)[batch.nodes[: batch.overlap.num_nodes]]
    torch.testing.assert_close(batch.encode(model, ids), expected)
