from __future__ import annotations

from typing import Any

import pytest
import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.structural_features import structural_features
from ncnc_core.sampling.batch import SampledBatch
from ncnc_core.sampling.batch_sampler import BatchSampler

SIZE = 14
X = torch.rand(SIZE, 5, generator=torch.Generator().manual_seed(5))
PAIRS = torch.tensor([[0, 2, 5, 0], [1, 3, 9, 2]])


def network(**changes: Any) -> LinkNetwork:
    torch.manual_seed(0)
    options = {"predictor": "ncn", "hidden_channels": 8, "completion_offset": 0.0}
    return LinkNetwork(ModelConfig(**{**options, **changes}), num_features=5, num_ids=SIZE).eval()


def hub(weight: bool = False) -> Adjacency:
    """Node 0 and node 1 are joined to all others, which form a ring."""
    ring = [(v, v + 1) for v in range(2, SIZE - 1)]
    edges = torch.tensor([(0, v) for v in range(1, SIZE)] + [(1, v) for v in range(2, SIZE)] + ring).T
    weights = torch.rand(edges.shape[1], generator=torch.Generator().manual_seed(1)) if weight else None
    return Adjacency.from_edges(edges, SIZE, weights)


def logits(model: LinkNetwork, batch: SampledBatch, features: torch.Tensor | None = X) -> torch.Tensor:
    return model.predictor(model.predictor.node_levels(batch.encode(model, features)), batch.overlap, batch.pairs)


@pytest.mark.parametrize("predictor", ["gae", "gae_cn", "ncn", "ncn_diff", "ncnc"])
@pytest.mark.parametrize("encoder", ["puregcn", "puremean", "gcn", "sage"])
@pytest.mark.parametrize("weighted", [False, True])
def test_removed_target_links_are_gone_from_messages_degrees_weights_and_overlaps(
    encoder: str, predictor: str, weighted: bool
) -> None:
    model = network(predictor=predictor, encoder=encoder, num_layers=2, edge_weights=weighted)
    adjacency = hub(weighted)
    removed = torch.tensor([[0, 3, 4, 0, 7], [1, 2, 0, 4, 3]])  # both directions, a repeat, and (7, 3), which is none
    expected = model(X, adjacency.without(removed), PAIRS)
    sampler = BatchSampler(adjacency, (99, 99))
    batch = sampler.draw(model, X, PAIRS, removed)
    torch.testing.assert_close(logits(model, batch), expected, rtol=1e-4, atol=1e-5)
    whole = logits(model, sampler.draw(model, X, PAIRS))  # the next batch has them again
    torch.testing.assert_close(whole, model(X, adjacency, PAIRS), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layers", [0, 1, 2])
def test_structural_features_are_those_of_the_graph_without_the_removed_links(layers: int) -> None:
    """All columns: of ends of removed links, of their neighbours, of a node left alone (13), and of untouched ones."""
    adjacency = hub()
    removed = torch.tensor([[0, 3, 4, 0, 7, 13, 1, 12], [1, 2, 0, 4, 3, 0, 13, 13]])  # (7, 3) is no edge
    model = network(structural_features=True, num_layers=layers).train()
    sampler = BatchSampler(adjacency, (99,) * layers, generator=torch.Generator().manual_seed(0))
    pairs = torch.cat([PAIRS, torch.tensor([[13], [6]])], 1)
    for graph, targets in ((adjacency.without(removed), removed), (adjacency, None)):  # the next batch has them again
        batch = sampler.draw(model, X, pairs, targets)
        assert batch.message.structure is not None
        assert layers < 2 or batch.nodes.numel() == SIZE
        torch.testing.assert_close(batch.message.structure, structural_features(graph)[batch.nodes])


@pytest.mark.parametrize("predictor", ["gae", "ncn"])
def test_structural_features_of_a_node_do_not_depend_on_where_a_batch_reads_it(predictor: str) -> None:
    model, sampler = network(structural_features=True, num_layers=2, predictor=predictor), BatchSampler(hub(), (2, 4))
    found: dict[int, list[float]] = {}
    for pair in ([[0], [1]], [[0], [7]], [[9], [3]]):
        batch = sampler.draw(model, X, torch.tensor(pair))
        assert batch.message.structure is not None
        for node, row in zip(batch.nodes.tolist(), batch.message.structure.tolist(), strict=True):
            assert found.setdefault(node, row) == row


def are_means_alike(first: torch.Tensor, second: torch.Tensor) -> bool:
    """Whether two samples [draws, ...] may have one mean: within five standard errors everywhere."""
    error = (first.var(0) / len(first) + second.var(0) / len(second)).sqrt()
    return bool(((first.mean(0) - second.mean(0)).abs() <= 5 * error + 1e-5).all())


@pytest.mark.parametrize("gathers", [True, False])
def test_embedding_is_right_on_average(gathers: bool) -> None:
    """A layer without a nonlinearity: the mean over draws of 3 of 13 neighbours is the embedding from all."""
    model = network(encoder="puregcn", predictor="gae", encoder_edge_dropout=0.0 if gathers else 1e-9).train()
    sampler = BatchSampler(hub(), (3,), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        exact = model.encode(X, hub())[:2]
        draws = torch.stack([sampler.draw(model, X, PAIRS[:, :1]).encode(model, X) for _ in range(300)])
    assert draws[0].shape == exact.shape
    assert float(draws.std(0).max()) > 0.02
    assert are_means_alike(draws, exact.repeat(2, 1, 1))


def test_pooled_sum_is_right_on_average() -> None:
    model = network(predictor="gae_cn", num_layers=0).train()
    sampler = BatchSampler(hub(), (), 4, generator=torch.Generator().manual_seed(0))
    counts = []
    for _ in range(400):
        batch = sampler.draw(model, X, torch.tensor([[0, 2], [1, 4]]))
        counts.append(batch.overlap.common_neighbors(batch.pairs).count.tolist())
    assert torch.tensor(counts).mean(0).tolist() == pytest.approx([12, 3], abs=0.2)


@pytest.mark.parametrize("dropout", ["feature_dropout", "encoder_dropout", "encoder_edge_dropout"])
@pytest.mark.parametrize("encoder", ["puregcn", "puremean"])
def test_dropout_acts_in_training_as_it_does_on_the_whole_graph(encoder: str, dropout: str) -> None:
    model = network(encoder=encoder, predictor="gae", **{dropout: 0.4}).train()
    sampler = BatchSampler(hub(), (99,), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        sampled = torch.stack([sampler.draw(model, X, PAIRS[:, :1]).encode(model, X) for _ in range(300)])
        exact = torch.stack([model.encode(X, hub())[:2] for _ in range(300)])
    assert are_means_alike(sampled, exact)
    assert float(sampled.std(0).mean()) == pytest.approx(float(exact.std(0).mean()), rel=0.15)


def test_gradients_of_whole_neighborhoods_are_the_exact_ones() -> None:
    for changes in ({"encoder": "puregcn"}, {"encoder": "gcn"}, {"encoder": "gin", "predictor": "ncnc"}):
        model = network(num_layers=2, **changes).train()
        model(X, hub(), PAIRS).sum().backward()
        exact = {name: one.grad.clone() for name, one in model.named_parameters() if one.grad is not None}
        model.zero_grad()
        sampler = BatchSampler(hub(), (99, 99), generator=torch.Generator().manual_seed(0))
        batch = sampler.draw(model, X, PAIRS)
        logits(model, batch).sum().backward()
        for name, one in model.named_parameters():
            if name in exact:
                torch.testing.assert_close(one.grad, exact[name], rtol=1e-3, atol=1e-5)


def test_same_generator_state_gives_the_same_batch_and_the_next_another() -> None:
    def nodes(seed: int, times: int) -> list[list[int]]:
        sampler = BatchSampler(hub(), (2, 2), 2, generator=torch.Generator().manual_seed(seed))
        return [sampler.draw(model, X, PAIRS).message.inner[0].column.tolist() for _ in range(times)]

    model = network(num_layers=2).train()
    assert nodes(3, 4) == nodes(3, 4)
    assert len({tuple(columns) for columns in nodes(3, 8)}) > 1


def test_batch_does_not_grow_with_the_graph() -> None:
    far = torch.stack([torch.arange(2000), torch.arange(1, 2001)]) + SIZE
    larger = Adjacency.from_edges(torch.cat([hub().edges(), far], 1), SIZE + 2001)
    model, wide = network(), torch.cat([X, torch.zeros(2001, 5)])
    small = BatchSampler(hub(), (3,), 4).draw(model, X, PAIRS)
    large = BatchSampler(larger, (3,), 4).draw(model, wide, PAIRS)
    assert large.nodes.tolist() == small.nodes.tolist()
    assert torch.equal(logits(model, large, wide), logits(model, small))


def test_isolated_nodes_and_a_graph_without_edges_are_scored() -> None:
    for encoder in ("puregcn", "puremean", "gcn", "sage", "gin"):
        model = network(encoder=encoder, predictor="ncnc")
        empty = Adjacency.from_edges(torch.zeros(2, 0, dtype=torch.int64), SIZE)
        batch = BatchSampler(empty, (3,), 4).draw(model, X, PAIRS)
        torch.testing.assert_close(logits(model, batch), model(X, empty, PAIRS), rtol=1e-4, atol=1e-5)


def test_interrupted_batch_leaves_the_sampler_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    model, sampler = network(), BatchSampler(hub(), (3,))
    with monkeypatch.context() as patch:
        patch.setattr("ncnc_core.sampling.batch_sampler.SampledOverlap", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            sampler.draw(model, X, PAIRS, PAIRS)
    fresh = BatchSampler(hub(), (3,)).draw(model, X, PAIRS)
    assert torch.equal(logits(model, sampler.draw(model, X, PAIRS)), logits(model, fresh))


def test_fan_out_of_another_length_than_the_encoder_is_refused() -> None:
    with pytest.raises(InvalidGraph, match=r"neighbor_fan_out \[3, 2\] has 2 numbers for 1 encoder layers. Give one"):
        BatchSampler(hub(), (3, 2)).draw(network(), X, PAIRS)


@pytest.mark.parametrize(("fan_out", "limit"), [((0,), None), ((3,), 0)])
def test_sample_of_nothing_is_refused(fan_out: tuple[int, ...], limit: int | None) -> None:
    with pytest.raises(InvalidGraph, match=r"at least one neighbour.*Give numbers of 1 and more"):
        BatchSampler(hub(), fan_out, limit)


def test_training_a_node_embedding_is_refused() -> None:
    with pytest.raises(InvalidGraph, match=r"vectors of all 14 nodes.*Set node_embedding: off"):
        BatchSampler(hub(), (3,)).draw(network(node_embedding="added").train(), X, PAIRS)


def test_removed_edge_of_no_node_is_refused() -> None:
    with pytest.raises(InvalidGraph, match="removed edges name position -1, but the graph has positions 0 to 13"):
        BatchSampler(hub(), (3,)).draw(network(), X, PAIRS, torch.tensor([[0], [-1]]))
