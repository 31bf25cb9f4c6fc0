from __future__ import annotations

import math
from copy import deepcopy
from typing import Any, get_args

import pytest
import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import LossName, TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency, pair_keys
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.training.data import TrainingData
from ncnc_core.training.run import TrainingRun

MODEL = ModelConfig(hidden_channels=8, predictor="ncn")


def ring(features: torch.Tensor | None = None) -> TrainingData:
    nodes = torch.arange(30)
    edges = torch.stack([nodes, (nodes + 1) % 30])
    return TrainingData(
        num_nodes=30,
        features=features,
        train_edges=edges,
        forbidden_keys=pair_keys(edges, 30).sort().values,
        valid_edges=torch.tensor([[0, 5], [2, 7]]),
        valid_negatives=torch.tensor([[0, 0, 5, 5], [9, 17, 20, 28]]),
    )


def run_of(
    model: ModelConfig = MODEL,
    features: torch.Tensor | None = None,
    initial_weights: dict[str, torch.Tensor] | None = None,
    **recipe: Any,
) -> TrainingRun:
    torch.manual_seed(0)
    training = TrainingConfig(batch_size=8, **recipe)
    return TrainingRun(model, training, ring(features), "mrr", torch.device("cpu"), initial_weights)


def copied(network: LinkNetwork) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def test_encoder_with_learning_rate_0_is_frozen_and_the_predictor_learns() -> None:
    run = run_of(encoder_learning_rate=0)
    before = copied(run.network)
    run.epoch()
    after = run.network.state_dict()
    same = {name for name in before if torch.equal(before[name], after[name])}
    assert same == {name for name in before if name.startswith("encoder.")}
    assert all(parameter.requires_grad for parameter in run.trained().parameters())  # counted as trainable again


def test_initial_weights_are_where_training_starts() -> None:
    ncn = run_of()
    ncn.epoch()
    started = run_of(ModelConfig(hidden_channels=8), initial_weights=copied(ncn.network))
    assert started.network.config.predictor == "ncnc"
    assert all(torch.equal(tensor, started.network.state_dict()[name]) for name, tensor in copied(ncn.network).items())


@pytest.mark.parametrize("change", ["missing", "unknown", "shape"])
def test_initial_weights_of_another_model_are_refused(change: str) -> None:
    weights = copied(run_of().network)
    if change == "missing":
        del weights["predictor.head.beta"]
    elif change == "unknown":
        weights["predictor.head.gamma"] = torch.zeros(1)
    else:
        weights["predictor.head.beta"] = torch.zeros(2)
    with pytest.raises(InvalidGraph, match=r"1 of \d+ tensors.*first: predictor\.head\..*Give the state_dict of"):
        run_of(initial_weights=weights)


@pytest.mark.parametrize("loss", get_args(LossName))
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_loss_that_is_no_number_stops_with_what_to_change(loss: LossName, precision: str) -> None:
    raw = MODEL.model_copy(update={"standardize_features": False})
    run = run_of(raw, torch.full((30, 2), 3e38), loss=loss, precision=precision)  # finite, but overflows inside
    with pytest.raises(
        InvalidGraph, match=r"loss became (nan|inf) in epoch 1, batch 1 of 4\. Lower training\.encoder_learning_rate"
    ):
        run.epoch()


def test_clipping_bounds_the_gradient_of_encoder_and_predictor_apart() -> None:
    run = run_of(gradient_clip_norm=1e-3)
    run.epoch()
    for group in run.optimizer.param_groups:
        norm = torch.stack([one.grad.norm() for one in group["params"] if one.grad is not None]).norm()
        assert norm == pytest.approx(1e-3, rel=1e-3)  # of the last batch; without clipping it is far above


def test_epoch_loss_is_the_mean_over_its_pairs() -> None:
    """Batches of 8, 8, 7 and 7 with nothing learned in between: each weighs as many pairs as it has."""
    whole = run_of(predictor_learning_rate=1e-30, encoder_learning_rate=0, target_link_removal="off")
    one = TrainingConfig(
        batch_size=30, max_batch_fraction=1, predictor_learning_rate=1e-30, encoder_learning_rate=0,
        target_link_removal="off",
    )  # fmt: skip
    torch.manual_seed(0)
    single = TrainingRun(MODEL, one, ring(), "mrr", torch.device("cpu"), None)
    assert whole.epoch().loss == pytest.approx(single.epoch().loss, rel=1e-5)


def test_features_may_be_sparse_or_ids_and_edges_weighted() -> None:
    dense = torch.eye(30)[:, :7]
    losses = [run_of(features=features).epoch().loss for features in (dense, dense.to_sparse_csr())]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    embedded = ModelConfig(hidden_channels=8, node_embedding="only")
    assert run_of(embedded, features=torch.arange(30) % 4).network.num_ids == 4


def test_training_on_samples_continues_bit_for_bit() -> None:
    features = torch.rand(30, 4, generator=torch.Generator().manual_seed(1))
    model = MODEL.model_copy(update={"predictor_dropout": 0.2})
    first, second = (run_of(model, features, neighbor_fan_out=(1,), overlap_limit=1) for _ in range(2))
    first.epoch()
    saved, progress = deepcopy(first.tensors()), deepcopy(first.progress)
    after = first.epoch()
    second.load(saved, progress)
    assert second.epoch().loss == after.loss
    weights = second.network.state_dict()
    assert all(torch.equal(one, weights[name]) for name, one in first.network.state_dict().items())
    other = run_of(model, features, neighbor_fan_out=(1,), overlap_limit=1, seed=1)
    other.load(saved | {"sampler": other.sampler.get_state()}, deepcopy(progress))
    assert other.epoch().loss != after.loss


def test_fan_out_that_does_not_fit_the_encoder_stops_the_training() -> None:
    with pytest.raises(InvalidGraph, match=r"\[2, 2\] has 2 numbers for 1 encoder layers\. Give one number a layer"):
        run_of(neighbor_fan_out=(2, 2)).epoch()


@pytest.mark.parametrize("fan_out", [None, (99,), (3,)])
def test_nothing_is_learned_from_a_random_graph(fan_out: tuple[int, ...] | None) -> None:
    """A loss below 2 ln 2, of a coin thrown, would say that the features tell which links a batch took out."""
    generator = torch.Generator().manual_seed(0)
    edges = Adjacency.from_edges(torch.randint(600, (2, 750), generator=generator), 600).edges()
    data = TrainingData(
        num_nodes=600,
        features=None,
        train_edges=edges,
        forbidden_keys=pair_keys(edges, 600).sort().values,
        valid_edges=edges[:, :2],
        valid_negatives=torch.randint(600, (2, 4), generator=generator),
    )
    torch.manual_seed(0)
    model = ModelConfig(hidden_channels=32, predictor="gae", encoder="gcn", num_layers=1)
    rates = {"encoder_learning_rate": 0.01, "predictor_learning_rate": 0.01}
    training = TrainingConfig(batch_size=64, neighbor_fan_out=fan_out, **rates)
    run = TrainingRun(model, training, data, "mrr", torch.device("cpu"), None)
    losses = [run.train_epoch(number) for number in range(1, 11)]
    assert losses[-1] == pytest.approx(2 * math.log(2), abs=0.04)
