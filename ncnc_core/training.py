"""Training one network on one graph: target link removal, early stopping on one metric, resumable."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.link_network import LinkNetwork
from ncnc_core.model_config import ModelConfig
from ncnc_core.negative_sampling import uniform_pairs
from ncnc_core.ranking import rank_metrics
from ncnc_core.scoring import node_levels, score_pairs
from ncnc_core.seeded import random_states, restore_random_states, seeded
from ncnc_core.training_checkpoint import (
    EpochResult,
    Progress,
    fingerprint,
    load_optimizer_tensors,
    optimizer_tensors,
    read_checkpoint,
    write_checkpoint,
)
from ncnc_core.training_config import TrainingConfig
from ncnc_core.training_data import TrainingData
from ncnc_core.training_step import accumulate_gradients

__all__ = ["EpochResult", "TrainedNetwork", "TrainingData", "train_network"]

SelectionMetric = Literal["mrr", "auc", "average_precision"]


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """The weights of the best epoch on validation, in evaluation mode, and how they came about."""

    network: LinkNetwork
    best_epoch: int
    best_value: float
    selection_metric: str
    history: tuple[EpochResult, ...]

    @property
    def epochs(self) -> int:
        """The number of epochs run."""
        return len(self.history)

    @property
    def seconds(self) -> float:
        """The duration of all epochs, those before a resumption included."""
        return sum(result.seconds for result in self.history)


def train_network(
    model: ModelConfig,
    training: TrainingConfig,
    data: TrainingData,
    *,
    selection_metric: SelectionMetric = "mrr",
    on_epoch: Callable[[EpochResult], None] | None = None,
    checkpoint: Path | None = None,
    device: torch.device | str = "cpu",
) -> TrainedNetwork:
    """Train until the selection metric has not risen for `patience` evaluations, and keep the best epoch's weights.

    The same arguments give the same weights, bit for bit on one CPU model and thread count; the caller's random state
    is untouched. With `checkpoint`, the state is saved after each epoch (before `on_epoch` hears of it) and a run that
    finds the file continues it.

    Raises:
        InvalidGraph: the loss is no number any more, or the checkpoint is another run's.
    """
    device = torch.device(device)
    with seeded(training.seed, device):
        run = _Run(model, training, data.to(device), device)
        name = fingerprint(model, training, data, selection_metric)
        if checkpoint is not None and checkpoint.exists():
            run.load(*read_checkpoint(checkpoint, name))
        while not run.progress.finished:
            result = run.epoch(selection_metric)
            if checkpoint is not None:
                write_checkpoint(checkpoint, run.tensors(), run.progress, name)
            if on_epoch is not None:
                on_epoch(result)
    run.network.load_state_dict(run.best)
    progress = run.progress
    return TrainedNetwork(
        run.network.eval(), progress.best_epoch, progress.best_value, selection_metric, tuple(progress.history)
    )


class _Run:
    """A training in progress: everything a checkpoint holds."""

    def __init__(self, model: ModelConfig, training: TrainingConfig, data: TrainingData, device: torch.device) -> None:
        self.training, self.data, self.device = training, data, device
        num_features = 0 if data.features is None else data.features.shape[1]
        self.network = LinkNetwork(model, num_features=num_features, num_ids=data.num_nodes).to(device)
        self.optimizer = torch.optim.Adam(
            [
                {"params": self._parameters_of("encoder."), "lr": training.encoder_learning_rate},
                {"params": self._parameters_of("predictor."), "lr": training.predictor_learning_rate},
            ]
        )
        self.sampler = torch.Generator().manual_seed(training.seed)  # negatives and batches; dropout has the global one
        self.adjacency = data.adjacency()
        self.never_negative = data.never_negative()
        self.progress = Progress()
        self.best = self._weights()

    def epoch(self, selection_metric: str) -> EpochResult:
        """Train one epoch, evaluate where due, and note whether to stop."""
        started = time.perf_counter()
        number = len(self.progress.history) + 1
        loss = self._train_epoch(number)
        is_last = number >= self.training.epochs
        metrics = self._validate() if is_last or number % self.training.evaluate_every == 0 else {}
        if metrics:
            self._select(number, metrics[selection_metric])
        result = EpochResult(number, loss, metrics, time.perf_counter() - started)
        self.progress.history.append(result)
        self.progress.finished = is_last or self.progress.evaluations_without_gain >= self.training.patience
        return result

    def _train_epoch(self, number: int) -> float:
        self.network.train()
        edges, repeat = self.data.train_edges, self.training.negatives_per_positive
        count = edges.shape[1]
        order = torch.randperm(count, generator=self.sampler).to(self.device)
        negatives = uniform_pairs(count * repeat, self.never_negative, self.data.num_nodes, self.sampler)
        size = max(1, min(self.training.batch_size, int(count * self.training.max_batch_fraction)))
        # Batches of equal size, none dropped: the published loader drops the rest, and a graph under one batch whole.
        parts = torch.tensor_split(torch.arange(count, device=self.device), math.ceil(count / size))
        losses = []
        for part in parts:
            start, stop = int(part[0]) * repeat, (int(part[-1]) + 1) * repeat
            losses.append(self._step(edges[:, order[part]], negatives[:, start:stop]))
        values = torch.stack(losses)
        broken = (~torch.isfinite(values)).nonzero()
        if broken.numel():
            raise InvalidGraph(
                f"The training loss became {float(values[broken[0, 0]])} in epoch {number}, batch {int(broken[0]) + 1} "
                f"of {len(parts)}. Lower training.encoder_learning_rate and training.predictor_learning_rate, set "
                "training.gradient_clip_norm, or scale the features."
            )
        weights = torch.tensor([part.numel() for part in parts], device=self.device) / count
        return float((values * weights).sum())

    def _step(self, positives: Tensor, negatives: Tensor) -> Tensor:
        """Take one optimiser step, and return the loss."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = accumulate_gradients(
            self.network, self.data.features, self.adjacency, positives, negatives, self.training
        )
        if self.training.gradient_clip_norm is not None:
            for group in self.optimizer.param_groups:  # encoder and predictor apart, as published
                torch.nn.utils.clip_grad_norm_(group["params"], self.training.gradient_clip_norm)
        self.optimizer.step()
        return loss

    def _validate(self) -> dict[str, float]:
        levels = node_levels(self.network, self.data.features, self.adjacency)
        pairs = torch.cat([self.data.valid_edges, self.data.valid_negatives], 1)
        scores = score_pairs(self.network, levels, self.adjacency, pairs)
        count = self.data.valid_edges.shape[1]
        return rank_metrics(scores[:count], scores[count:].view(count, -1))

    def _select(self, number: int, value: float) -> None:
        if value > self.progress.best_value:
            self.progress.best_epoch, self.progress.best_value = number, value
            self.progress.evaluations_without_gain = 0
            self.best = self._weights()
        else:
            self.progress.evaluations_without_gain += 1

    def _parameters_of(self, part: str) -> list[torch.nn.Parameter]:
        return [parameter for name, parameter in self.network.named_parameters() if name.startswith(part)]

    def _weights(self) -> dict[str, Tensor]:
        return {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}

    def tensors(self) -> dict[str, Tensor]:
        """Return the state as named tensors."""
        named = {f"network/{name}": tensor for name, tensor in self._weights().items()}
        named |= {f"best/{name}": tensor for name, tensor in self.best.items()}
        named |= {f"random/{name}": tensor for name, tensor in random_states(self.device).items()}
        return named | optimizer_tensors(self.optimizer) | {"sampler": self.sampler.get_state()}

    def load(self, tensors: dict[str, Tensor], progress: Progress) -> None:
        """Continue from the state of a checkpoint."""
        self.network.load_state_dict(_under("network/", tensors))
        self.best = {name: tensor.to(self.device) for name, tensor in _under("best/", tensors).items()}
        load_optimizer_tensors(self.optimizer, tensors)
        self.sampler.set_state(tensors["sampler"])
        restore_random_states(_under("random/", tensors), self.device)
        self.progress = progress


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
