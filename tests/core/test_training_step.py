from __future__ import annotations

import itertools
from typing import Any, get_args

import pytest
import torch

from ncnc_core.adjacency import Adjacency
from ncnc_core.link_network import LinkNetwork
from ncnc_core.model_config import ModelConfig
from ncnc_core.training_config import LossName, TrainingConfig
from ncnc_core.training_step import accumulate_gradients

NODES = 40


def graph() -> tuple[Adjacency, torch.Tensor, torch.Tensor]:
    """A random graph, twelve of its edges as positives, and three negatives to each."""
    generator = torch.Generator().manual_seed(1)
    edges = torch.randint(NODES, (2, 160), generator=generator)
    adjacency = Adjacency.from_edges(edges, NODES)
    positives = adjacency.edges()[:, torch.randperm(adjacency.num_edges, generator=generator)[:12]]
    return adjacency, positives, torch.randint(NODES, (2, 36), generator=generator)


def network(**changes: Any) -> LinkNetwork:
    torch.manual_seed(0)
    config = ModelConfig(**{"hidden_channels": 8, "predictor_layer_norm": False, **changes})
    return LinkNetwork(config, num_features=0).train()


def step(model: LinkNetwork, training: TrainingConfig, bytes_at_once: int) -> tuple[float, dict[str, torch.Tensor]]:
    model.zero_grad()
    adjacency, positives, negatives = graph()
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


def test_a_step_takes_as_many_pieces_as_its_memory_asks_for() -> None:
    model = network(predictor="ncn")
    assert scored_in(model, TrainingConfig(), 2**40) == 1
    assert scored_in(model, TrainingConfig(), 1) == 12
    assert scored_in(model, TrainingConfig(separate_node_dropout_as_published=True), 1) == 24


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
