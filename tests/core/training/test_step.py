from __future__ import annotations

import itertools
from typing import Any, get_args

import pytest
import torch

from ncnc_core.config.model import ModelConfig, PredictorName
from ncnc_core.config.training import LossName, Precision, TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.overlap.dense import is_dense
from ncnc_core.sampling.batch_sampler import BatchSampler
from ncnc_core.training.ranks import Ranks
from ncnc_core.training.step import accumulate_gradients, require_own_edge_hidden

NODES = 40
SPARSE, DENSE = 160, 2400


def graph(edges_drawn: int = SPARSE) -> tuple[Adjacency, torch.Tensor, torch.Tensor]:
    """A random graph, twelve of its edges as positives, and three negatives to each."""
    generator = torch.Generator().manual_seed(1)
    edges = torch.randint(NODES, (2, edges_drawn), generator=generator)
    adjacency = Adjacency.from_edges(edges, NODES)
    positives = adjacency.edges()[:, torch.randperm(adjacency.num_edges, generator=generator)[:12]]
    return adjacency, positives, torch.randint(NODES, (2, 36), generator=generator)


def network(num_features: int = 0, **changes: Any) -> LinkNetwork:
    torch.manual_seed(0)
    config = ModelConfig(**{"hidden_channels": 8, "predictor_layer_norm": False, **changes})
    return LinkNetwork(config, num_features=num_features).train()


def step(
    model: LinkNetwork, training: TrainingConfig, bytes_at_once: int, edges_drawn: int = SPARSE
) -> tuple[float, dict[str, torch.Tensor]]:
    model.zero_grad()
    adjacency, positives, negatives = graph(edges_drawn)
    loss = accumulate_gradients(model, None, adjacency, positives, negatives, training, bytes_at_once=bytes_at_once)
    return loss.item(), {
        name: parameter.grad.clone() for name, parameter in model.named_parameters() if parameter.grad is not None
    }


def scored_in(model: LinkNetwork, training: TrainingConfig, bytes_at_once: int) -> int:
    """Return how many calls of the predictor a step takes."""
    calls = []
    handle = model.predictor.register_forward_hook(lambda *_: calls.append(1))
    step(model, training, bytes_at_once)
    handle.remove()
    return len(calls)


def assert_same_step(model: LinkNetwork, training: TrainingConfig) -> None:
    whole_loss, whole = step(model, training, 2**40)
    loss, pieces = step(model, training, 1)
    assert loss == pytest.approx(whole_loss, rel=1e-5)
    assert pieces.keys() == whole.keys()
    for name, gradient in whole.items():
        torch.testing.assert_close(pieces[name], gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("loss", "separate", "removal"),
    itertools.product(get_args(LossName), [False, True], ["batch", "off"]),
)
def test_gradients_in_pieces_are_those_of_the_whole_batch(loss: LossName, separate: bool, removal: str) -> None:
    training = TrainingConfig(
        loss=loss,
        negatives_per_positive=3,
        separate_node_dropout_as_published=separate,
        target_link_removal=removal,  # type: ignore[arg-type]
    )
    assert_same_step(network(predictor="ncn"), training)


@pytest.mark.parametrize("predictor", ["gae", "ncn2", "ncn_diff", "ncnc"])
@pytest.mark.parametrize("transform", [True, False])  # without it the node values are h itself, twice in the list
def test_pieces_fit_every_predictor(predictor: str, transform: bool) -> None:
    model = network(predictor=predictor, neighbor_transform=transform, num_layers=2)
    assert_same_step(model, TrainingConfig(negatives_per_positive=3))


@pytest.mark.parametrize("predictor", [name for name in get_args(PredictorName) if name != "temporal_ncn"])
@pytest.mark.parametrize("encoder", ["puregcn", "gcn", "none"])  # none: the node values come from a product directly
@pytest.mark.parametrize(("bytes_at_once", "edges_drawn"), [(1, SPARSE), (2**40, SPARSE), (1, DENSE)])
def test_bfloat16_products_keep_loss_and_gradients_near(
    predictor: str, encoder: str, bytes_at_once: int, edges_drawn: int
) -> None:
    model = network(predictor=predictor, encoder=encoder)
    exact, halved = (
        step(model, TrainingConfig(precision=precision), bytes_at_once, edges_drawn)
        for precision in get_args(Precision)
    )
    assert halved[0] == pytest.approx(exact[0], rel=0.03)
    assert halved[0] != exact[0]
    assert halved[1].keys() == exact[1].keys()
    assert {gradient.dtype for gradient in halved[1].values()} == {torch.float32}
    both = [torch.cat([gradient.flatten() for gradient in one[1].values()]) for one in (exact, halved)]
    assert torch.nn.functional.cosine_similarity(*both, dim=0) > 0.99


def test_the_dense_graph_is_one() -> None:
    adjacency, positives, _ = graph(DENSE)
    assert is_dense(adjacency.without(positives))
    assert not is_dense(graph(SPARSE)[0])


def test_a_step_takes_as_many_pieces_as_its_memory_asks_for() -> None:
    model = network(predictor="ncn")
    assert scored_in(model, TrainingConfig(), 2**40) == 1
    assert scored_in(model, TrainingConfig(), 1) == 12
    assert scored_in(model, TrainingConfig(separate_node_dropout_as_published=True), 1) == 24


def test_the_links_of_a_hub_are_cut_by_what_a_pair_holds_and_not_by_both_degrees() -> None:
    leaves = torch.arange(1, 4001)
    star = Adjacency.from_edges(torch.stack([torch.zeros_like(leaves), leaves]), 4001)
    positives, negatives = (
        star.edges()[:, :64],
        torch.randint(4001, (2, 64), generator=torch.Generator().manual_seed(0)),
    )
    model, calls = network(predictor="ncn"), []
    model.predictor.register_forward_hook(lambda *_: calls.append(1))
    training = TrainingConfig(target_link_removal="off")
    by_degrees = 64 * int(star.degree[positives].sum())  # bytes
    accumulate_gradients(model, None, star, positives, negatives, training, bytes_at_once=by_degrees // 8)
    assert calls == [1]


def test_gradients_add_to_what_is_there() -> None:
    model = network(predictor="ncn")
    adjacency, positives, negatives = graph()
    _, once = step(model, TrainingConfig(), 1)
    accumulate_gradients(model, None, adjacency, positives, negatives, TrainingConfig(), bytes_at_once=1)
    for name, gradient in once.items():
        torch.testing.assert_close(dict(model.named_parameters())[name].grad, 2 * gradient, rtol=1e-4, atol=1e-6)


def test_target_link_removal_hides_the_batch_from_encoder_and_overlap() -> None:
    model = network(predictor="ncn")
    adjacency, positives, negatives = graph()
    without = accumulate_gradients(model, None, adjacency, positives, negatives, TrainingConfig())
    by_hand = accumulate_gradients(
        model,
        None,
        adjacency.without(positives),
        positives,
        negatives,
        TrainingConfig(target_link_removal="off"),
    )
    seen = accumulate_gradients(model, None, adjacency, positives, negatives, TrainingConfig(target_link_removal="off"))
    assert torch.equal(without, by_hand)
    assert not torch.equal(without, seen)


@pytest.mark.parametrize("predictor", ["gae", "gae_cn", "ncn", "ncn_diff"])
def test_removal_by_pair_scores_each_pair_as_if_its_own_edge_were_gone(predictor: str) -> None:
    model = network(predictor=predictor).eval()
    adjacency, positives, _ = graph()
    require_own_edge_hidden(model.config, TrainingConfig(target_link_removal="pair"))
    levels = model.predictor.node_levels(model.encode(None, adjacency))
    together = model.predictor(levels, adjacency, positives)
    for place in range(positives.shape[1]):
        one = positives[:, place : place + 1]
        alone = model.predictor(levels, adjacency.without(one), one)
        torch.testing.assert_close(together[place : place + 1], alone)


@pytest.mark.parametrize(
    "model",
    [
        ModelConfig(predictor="ncn2"),
        ModelConfig(predictor="ncnc"),
        ModelConfig(predictor="ncn_diff", score_known_edges_as_published=True),
    ],
)
def test_removal_by_pair_is_refused_where_the_own_edge_would_show(model: ModelConfig) -> None:
    with pytest.raises(InvalidGraph, match=rf"but {model.predictor} sees it once more.*Set target_link_removal: batch"):
        require_own_edge_hidden(model, TrainingConfig(target_link_removal="pair"))
    require_own_edge_hidden(model, TrainingConfig(target_link_removal="off"))


class Kept:
    """A tensor kept for a backward pass, counted while it is alive."""

    alive = peak = 0

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor, self.size = tensor, tensor.numel() * tensor.element_size()
        Kept.alive += self.size
        Kept.peak = max(Kept.peak, Kept.alive)

    def __del__(self) -> None:
        Kept.alive -= self.size


def peak_of(model: LinkNetwork, repeats: int, bytes_at_once: int) -> int:
    adjacency, positives, negatives = graph()
    Kept.alive = Kept.peak = 0
    with torch.autograd.graph.saved_tensors_hooks(Kept, lambda kept: kept.tensor):
        accumulate_gradients(
            model,
            None,
            adjacency,
            positives.repeat(1, repeats),
            negatives.repeat(1, repeats),
            TrainingConfig(target_link_removal="off"),
            bytes_at_once=bytes_at_once,
        )
    return Kept.peak


def test_memory_does_not_grow_with_the_batch() -> None:
    model = network(predictor="ncn")
    small, large = (peak_of(model, repeats, 2**16) for repeats in (8, 64))
    assert large < 1.1 * small
    assert peak_of(model, 64, 2**40) > 4 * large  # in one piece it does


@pytest.mark.parametrize("removal", ["batch", "off"])
@pytest.mark.parametrize("predictor", ["ncn", "ncnc"])
def test_samples_of_whole_neighborhoods_give_the_exact_loss_and_gradients(predictor: str, removal: str) -> None:
    model = network(predictor=predictor, num_layers=2, structural_features=False, node_embedding="off", num_features=3)
    adjacency, positives, negatives = graph()
    features = torch.rand(NODES, 3, generator=torch.Generator().manual_seed(4))
    found = []
    for sampler in (None, BatchSampler(adjacency, (99, 99), generator=torch.Generator().manual_seed(0))):
        model.zero_grad()
        recipe = TrainingConfig(target_link_removal=removal)
        loss = accumulate_gradients(model, features, adjacency, positives, negatives, recipe, sampler=sampler)
        found.append([loss, *(one.grad.clone() for one in model.parameters() if one.grad is not None)])
    for exact, sampled in zip(*found, strict=True):
        torch.testing.assert_close(sampled, exact, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("predictor", ["ncn", "ncnc"])
@pytest.mark.parametrize("shares", [1, 2, 5, 20])  # of twelve positives: the last is more than there are
def test_the_shares_of_a_batch_add_up_to_its_loss_and_gradients(predictor: PredictorName, shares: int) -> None:
    model = network(predictor=predictor, completion_max_neighbors=None)
    whole_loss, whole = step(model, TrainingConfig(), 2**40)
    adjacency, positives, negatives = graph()
    model.zero_grad()
    loss, count = 0.0, positives.shape[1]
    for rank in range(shares):
        own = Ranks(rank, shares).share(count)
        pairs = positives[:, own], negatives[:, own.start * 3 : own.stop * 3]
        loss += float(accumulate_gradients(model, None, adjacency, *pairs, TrainingConfig(), of_batch=positives))
    assert loss == pytest.approx(whole_loss, rel=1e-5)
    for name, gradient in whole.items():
        torch.testing.assert_close(model.get_parameter(name).grad, gradient, rtol=1e-3, atol=1e-6)
