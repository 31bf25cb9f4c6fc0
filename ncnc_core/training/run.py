"""A training in progress: its epochs, and everything a checkpoint holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from ncnc_core.config.choices import SelectionMetric
from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.input_stage import compressed
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.sampling.batch_sampler import BatchSampler
from ncnc_core.training.batches import batch_sizes, epoch_batches
from ncnc_core.training.checkpoint import EpochResult, Progress, load_optimizer_tensors, optimizer_tensors, under
from ncnc_core.training.completion_calibration import (
    CompletionCalibration,
    Scores,
    calibrate_completion,
    confirmed,
)
from ncnc_core.training.data import TrainingData
from ncnc_core.training.initial_weights import begin_with
from ncnc_core.training.ranks import Ranks
from ncnc_core.training.seeded import random_states, restore_random_states
from ncnc_core.training.step import accumulate_gradients
from ncnc_core.training.valid_sample import SampledChoice, ValidSample
from ncnc_core.training.validation import metrics_of, validation_scores
from ncnc_core.training.work import Listener, Part, Work


class TrainingRun:
    """One network on its way: it draws from the global generator for dropout, from its own for everything else."""

    def __init__(
        self,
        model: ModelConfig,
        training: TrainingConfig,
        data: TrainingData,
        metric: SelectionMetric,
        device: torch.device,
        initial_weights: Mapping[str, Tensor] | None,
        *,
        tell: Listener | None = None,
    ) -> None:
        self.training, self.data, self.metric, self.device = training, data.to(device), metric, device
        self.data = replace(self.data, features=compressed(self.data.features))
        self.network = LinkNetwork.for_graph(model, data.features, data.num_nodes).to(device)
        self.adjacency = self.data.adjacency()
        if self.network.standard is not None and self.data.features is not None:
            self.network.standard.fit(self.data.features, self.adjacency.degree > 0)  # the nodes that training sees
        if initial_weights is not None:
            begin_with(self.network, initial_weights)
        self.ranks = Ranks.here()
        self.ranks.take_weights_of_first(self.network)
        self.optimizer = self._optimizer()
        self.sampler = torch.Generator().manual_seed(training.seed)  # negatives and batches; dropout has the global one
        # Of several processes each draws the neighbours of its own pairs; the batches are one draw that all make alike.
        self.own = self.sampler if self.ranks.size == 1 else torch.Generator()
        self.batch_sampler = _batch_sampler(training, self.adjacency, self.own)
        self.never_negative = self.data.never_negative()
        self.valid = ValidSample.of_training(self.data, training, metric)
        self.progress = Progress()
        self.best = self._weights()
        self.work = self._planned_work(tell)
        self._whole_scores: Scores | None = None  # on all validation edges, of the network as it is returned

    def epoch(self) -> EpochResult:
        """Train one epoch, evaluate where due, and note whether to stop.

        Raises:
            InvalidGraph: the loss is no number any more.
        """
        started = time.perf_counter()
        number = len(self.progress.history) + 1
        loss = self.train_epoch(number)
        is_last = number >= self.training.epochs
        metrics, error = dict[str, float](), None
        if is_last or number % self.training.evaluate_every == 0:
            valid = self.valid.data
            scores = validation_scores(self.network, valid, self.adjacency, self.batch_sampler, self._did("validating"))
            metrics = metrics_of(*scores, self.metric, valid.negatives_per_valid_edge)
            error = self.valid.standard_error(*scores, self.metric)
            self._select(number, metrics[self.metric])
        result = EpochResult(number, loss, metrics, time.perf_counter() - started, error)
        self.progress.history.append(result)
        self.progress.finished = is_last or self.progress.evaluations_without_gain >= self.training.patience
        return result

    def train_epoch(self, number: int) -> float:
        """Take one step a batch, and return the loss of the epoch.

        Raises:
            InvalidGraph: the loss is no number any more.
        """
        self.network.train()
        self.ranks.begin_epoch(self.training.seed, number, self.own)
        losses, counts = [], []
        for positives, negatives in epoch_batches(self.data, self.training, self.never_negative, self.sampler):
            losses.append(self._step(positives, negatives))
            counts.append(positives.shape[1])
            self.work.did("training", positives.shape[1] + negatives.shape[1])
        values = torch.stack(losses)
        broken = (~torch.isfinite(values)).nonzero()  # read once an epoch: each look would wait for the device
        if broken.numel():
            raise InvalidGraph(
                f"The training loss became {float(values[broken[0, 0]])} in epoch {number}, batch {int(broken[0]) + 1} "
                f"of {len(losses)}. Lower training.encoder_learning_rate and training.predictor_learning_rate, set "
                "training.gradient_clip_norm, or scale the features."
            )
        weights = torch.tensor(counts, device=self.device) / sum(counts)
        return float((values * weights).sum())

    def _step(self, positives: Tensor, negatives: Tensor) -> Tensor:
        """Take one optimiser step, on this process's share of the batch and the others', and return the loss."""
        self.optimizer.zero_grad(set_to_none=True)
        own, repeat = self.ranks.share(positives.shape[1]), self.training.negatives_per_positive
        loss = accumulate_gradients(
            self.network,
            self.data.features,
            self.adjacency,
            positives[:, own],
            negatives[:, own.start * repeat : own.stop * repeat],
            self.training,
            sampler=self.batch_sampler,
            of_batch=positives,
        )
        loss = self.ranks.add_up(self.network.parameters(), loss)
        if self.training.gradient_clip_norm is not None:
            for group in self.optimizer.param_groups:  # encoder and predictor apart, as published
                torch.nn.utils.clip_grad_norm_(group["params"], self.training.gradient_clip_norm)
        self.optimizer.step()
        return loss

    def _optimizer(self) -> torch.optim.Adam:
        """Return Adam over encoder and predictor; a learning rate of 0 freezes, and spares the backward pass too."""
        rates = {
            ("encoder.",): self.training.encoder_learning_rate,
            ("predictor.", "pair_structure."): self.training.predictor_learning_rate,
        }
        groups = []
        for parts, rate in rates.items():
            parameters = [one for name, one in self.network.named_parameters() if name.startswith(parts)]
            for parameter in parameters:
                parameter.requires_grad_(rate > 0)
            groups.append({"params": parameters if rate > 0 else [], "lr": rate})
        return torch.optim.Adam(groups, fused=True)  # one pass over the weights: a quarter of the time on a CPU

    def _select(self, number: int, value: float) -> None:
        if value > self.progress.best_value:
            self.progress.best_epoch, self.progress.best_value = number, value
            self.progress.evaluations_without_gain = 0
            self.best = self._weights()
        else:
            self.progress.evaluations_without_gain += 1

    def _weights(self) -> dict[str, Tensor]:
        return {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}

    def trained(self) -> LinkNetwork:
        """Return the network with the weights of the best epoch, in evaluation mode, nothing frozen."""
        self.network.load_state_dict(self.best)
        return self.network.requires_grad_(True).eval()

    def calibrated(self) -> tuple[LinkNetwork, CompletionCalibration]:
        """Return the trained network with the completion that validates best: see `calibrate_completion`."""
        asked, configured = (self.data, self.adjacency, self.metric), self.network.config
        sample, did = self.valid.data, self._did("calibrating")
        self.network, found = calibrate_completion(self.network, *asked, sample=sample, did=did)
        if not self.valid.is_whole:
            did = self._did("confirming")
            self.network, found, self._whole_scores = confirmed(
                self.network, found, *asked, configured=configured, did=did
            )
        return self.network, found

    def validation_scores(self) -> tuple[Tensor, Tensor]:
        """Return the logits of all validation edges and of their negatives, with the network as it is returned."""
        if self._whole_scores is None:
            self._whole_scores = validation_scores(
                self.network, self.data, self.adjacency, self.batch_sampler, self._did("confirming")
            )
        return self._whole_scores

    def sampled_choice(self) -> SampledChoice | None:
        """Return how a sample of the validation edges chose the epoch; None where all of them did."""
        if self.valid.is_whole:
            return None
        best = self.progress.history[self.progress.best_epoch - 1]
        scores, each = self.validation_scores(), self.data.negatives_per_valid_edge
        value = metrics_of(*scores, self.metric, each)[self.metric]
        return SampledChoice(self.valid.edges, self.valid.of, best.standard_error, value)

    def _did(self, part: Part) -> Callable[[int], None]:
        return partial(self.work.did, part)

    def _planned_work(self, tell: Listener | None) -> Work:
        """Return the count of pairs that the training comes to if nothing stops it early."""
        training, pairs = self.training, self.data.valid_edges.shape[1] + self.data.valid_negatives.shape[1]
        each = sum(batch_sizes(self.data.train_edges.shape[1], training)) * (1 + training.negatives_per_positive)
        evaluations = -(-training.epochs // training.evaluate_every)
        return Work(
            trained=training.epochs * each,
            scored=evaluations * self.valid.pairs,
            at_the_end=training.calibrate_completion * self.valid.pairs + pairs,
            tell=tell,
        )

    def tensors(self) -> dict[str, Tensor]:
        """Return the state as named tensors."""
        named = {f"network/{name}": tensor for name, tensor in self._weights().items()}
        named |= {f"best/{name}": tensor for name, tensor in self.best.items()}
        named |= {f"random/{name}": tensor for name, tensor in random_states(self.device).items()}
        return named | optimizer_tensors(self.optimizer) | {"sampler": self.sampler.get_state()}

    def load(self, tensors: dict[str, Tensor], progress: Progress) -> None:
        """Continue from the state of a checkpoint."""
        self.network.load_state_dict(under("network/", tensors))
        self.best = {name: tensor.to(self.device) for name, tensor in under("best/", tensors).items()}
        load_optimizer_tensors(self.optimizer, tensors)
        self.sampler.set_state(tensors["sampler"])
        restore_random_states(under("random/", tensors), self.device)
        self.progress = progress
        self.work.skip(share=len(progress.history) / self.training.epochs)


def _batch_sampler(training: TrainingConfig, adjacency: Adjacency, generator: torch.Generator) -> BatchSampler | None:
    """Return what draws the batches of the sampled mode, or None for the exact one."""
    if training.neighbor_fan_out is None:
        return None
    return BatchSampler(adjacency, training.neighbor_fan_out, training.overlap_limit, generator=generator)
