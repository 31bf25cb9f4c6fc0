"""The training of a temporal network: first up to the validation window, to measure it, then once more with it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ncnc_core.config.choices import SelectionMetric
from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.networks.temporal_network import TemporalNetwork
from ncnc_core.training.checkpoint import EpochResult, Progress, load_optimizer_tensors, optimizer_tensors, under
from ncnc_core.training.data import TemporalData, TrainingData
from ncnc_core.training.initial_weights import begin_with
from ncnc_core.training.losses import positive_losses
from ncnc_core.training.ranks import Ranks
from ncnc_core.training.seeded import random_states, restore_random_states
from ncnc_core.training.single_thread import single_thread
from ncnc_core.training.validation import metrics_of
from ncnc_core.training.window_pairs import WindowPairs, read_windows
from ncnc_core.training.window_validation import WindowValidation
from ncnc_core.training.windows import DrawnWindow, draw_pairs, training_windows
from ncnc_core.training.work import Listener, Work

WEIGHT_DECAY = 1e-4


class TemporalRun:
    """A network on its way through two phases of `epochs` each.

    Choosing: windows up to the training cut; each epoch is measured on the validation window. Refitting: the same from
    random weights, with the validation window as the last one; this network is the result. The number of epochs is
    fixed, for the learning rate follows one cycle (Smith, Topin, Super-Convergence, arXiv:1708.07120); AdamW.
    """

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
        self.model, self.training, self.data, self.metric, self.device = model, training, data, metric, device
        self.times, self.initial_weights = _required(data), initial_weights
        self.sampler = torch.Generator().manual_seed(training.seed)  # the order of the positives
        self.ranks = Ranks.here()
        self.progress = Progress()
        self.chosen: tuple[Tensor, Tensor] | None = None  # validation logits, the last ones of the first phase
        self.work = Work(tell=tell)  # how much there is to do is known once the windows are read
        self.phase = self._phase(self.times.cut_train)
        self.work = self._planned_work(tell)

    def epoch(self) -> EpochResult:
        """Train one epoch; measure it in the first phase.

        Raises:
            InvalidGraph: the loss is no number any more.
        """
        started, number = time.perf_counter(), len(self.progress.history) + 1
        epochs, metrics, error = self.training.epochs, dict[str, float](), None
        with single_thread():
            loss = self._train_epoch(number)
            if number == epochs or (number < epochs and number % self.training.evaluate_every == 0):
                metrics, error = self._measured(last=number == epochs)
                self.progress.best_epoch, self.progress.best_value = number, metrics[self.metric]
        result = EpochResult(number, loss, metrics, time.perf_counter() - started, error)
        self.progress.history.append(result)
        if number == epochs and self.training.refit:
            self.phase = self._phase(self.times.cut_valid)
            self.work.begin()  # what reading the windows took is no pace of pairs
        self.progress.finished = number >= epochs * (1 + self.training.refit)
        return result

    def trained(self) -> TemporalNetwork:
        """Return the network of the last phase, in evaluation mode."""
        return self.phase.network.eval()

    def windows(self) -> tuple[DrawnWindow, ...]:
        """Return the windows that the network of the last phase learnt from."""
        return self.phase.drawn

    def validation_scores(self) -> tuple[Tensor, Tensor]:
        """Return the logits of the validation edges and of their negatives, of the network that had not seen them."""
        assert self.chosen is not None  # noqa: S101 - for mypy: the first phase is over
        return self.chosen

    def tensors(self) -> dict[str, Tensor]:
        """Return the state as named tensors."""
        named = {f"network/{name}": one.detach().clone() for name, one in self.phase.network.state_dict().items()}
        named |= {f"random/{name}": tensor for name, tensor in random_states(self.device).items()}
        if self.chosen is not None:
            named |= dict(zip(("chosen/positive", "chosen/negative"), self.chosen, strict=True))
        return named | optimizer_tensors(self.phase.optimizer) | {"sampler": self.sampler.get_state()}

    def load(self, tensors: dict[str, Tensor], progress: Progress) -> None:
        """Continue from the state of a checkpoint."""
        self.progress, done = progress, len(progress.history)
        if done >= self.training.epochs and self.training.refit:
            self.phase = self._phase(self.times.cut_valid)
            done -= self.training.epochs
        if "chosen/positive" in tensors:
            self.chosen = tensors["chosen/positive"], tensors["chosen/negative"]
        self.phase.network.load_state_dict(under("network/", tensors))
        load_optimizer_tensors(self.phase.optimizer, tensors)
        self.phase.go_on_from(done * self.phase.steps)
        self.sampler.set_state(tensors["sampler"])
        restore_random_states(under("random/", tensors), self.device)
        self.work.skip(share=len(progress.history) / (self.training.epochs * (1 + self.training.refit)))

    def _planned_work(self, tell: Listener | None) -> Work:
        """Return the count of pairs of both phases; the second has about as many as the first."""
        training, pairs, valid = self.training, self.phase.pairs, self.phase.valid
        between = -(-training.epochs // training.evaluate_every) - 1
        trained = training.epochs * (1 + training.refit) * pairs.groups * pairs.each
        sample, every = (0, 0) if valid is None else valid.pairs
        return Work(trained=trained, scored=between * sample + every, tell=tell)

    def _phase(self, end: int) -> _Phase:
        asked = self.model, self.training, self.data, self.metric
        phase = _Phase.begun(*asked, end, self.initial_weights, self.device, self.work)
        self.ranks.take_weights_of_first(phase.network)
        return phase

    def _measured(self, *, last: bool) -> tuple[dict[str, float], float | None]:
        """Return the metrics on the validation window and the standard error of a sample's; all of it at the last."""
        valid, each = self.phase.valid, self.data.negatives_per_valid_edge
        assert valid is not None  # noqa: S101 - for mypy: the first phase measures
        scored = valid.scores_of_all if last else valid.scores
        scores = scored(self.phase.network, partial(self.work.did, "validating"))
        if last:
            self.chosen = scores
        error = None if last else valid.sample.standard_error(*scores, self.metric)
        return metrics_of(*scores, self.metric, each), error

    def _train_epoch(self, number: int) -> float:
        phase, total = self.phase, 0.0
        phase.network.train()
        self.ranks.begin_epoch(self.training.seed, number)
        for groups in torch.randperm(phase.pairs.groups, generator=self.sampler).split(self.training.batch_size):
            phase.optimizer.zero_grad(set_to_none=True)
            loss = self.ranks.add_up(phase.network.parameters(), self._gradients(groups))
            if self.training.gradient_clip_norm is not None:
                torch.nn.utils.clip_grad_norm_(phase.network.parameters(), self.training.gradient_clip_norm)
            phase.optimizer.step()
            phase.schedule.step()
            self.work.did("training", groups.numel() * phase.pairs.each)
            total += float(loss) * groups.numel()
        phase.network.eval()
        if not total < float("inf"):
            raise InvalidGraph(
                f"The training loss became {total} in epoch {number}. Lower training.predictor_learning_rate, set "
                "training.gradient_clip_norm, or scale the features."
            )
        return total / phase.pairs.groups

    def _gradients(self, batch: Tensor) -> Tensor:
        """Add the gradients of this process's share of a batch, and return the share's part of the batch's loss."""
        own = batch[self.ranks.share(batch.numel())]
        if own.numel() == 0:  # more processes than groups
            return torch.zeros((), device=self.phase.network.window.device)
        logits = self.phase.pairs.chosen(own).logits(self.phase.network)
        loss = positive_losses(self.training.loss, logits[:, 0], logits[:, 1:]).sum() / batch.numel()
        loss.backward()
        return loss.detach()


@dataclass(frozen=True, eq=False)
class _Phase:
    """A network with its optimiser, what it learns from, and what measures it; `steps` are those of an epoch."""

    network: TemporalNetwork
    drawn: tuple[DrawnWindow, ...]
    pairs: WindowPairs
    valid: WindowValidation | None
    optimizer: torch.optim.AdamW
    schedule: torch.optim.lr_scheduler.OneCycleLR
    steps: int

    @classmethod
    def begun(
        cls,
        model: ModelConfig,
        training: TrainingConfig,
        data: TrainingData,
        metric: SelectionMetric,
        end: int,
        initial_weights: Mapping[str, Tensor] | None,
        device: torch.device,
        work: Work,
    ) -> _Phase:
        """Draw the windows up to `end`, fit the scales on them, and begin with the initial weights, or random ones."""
        times, network = _required(data), TemporalNetwork.for_graph(model, data.features)
        generator = torch.Generator().manual_seed(training.seed)
        windows = training_windows(times.history, end, times.window, training.windows)
        if initial_weights is None:
            network.window.fill_(times.window)
        else:
            begin_with(network, initial_weights)
        drawn = tuple(
            draw_pairs(times.history, window, training, generator, times.negative_kinds) for window in windows
        )
        if not any(one.pairs.numel() for one in drawn):
            raise InvalidGraph(
                f"Of the edges that came in {len(drawn)} windows before training ends, none is still there that can be "
                "ranked against a pair. Choose the predictor ncnc, which reads no times, or wait for more nights."
            )
        pairs = read_windows(network, times.history, drawn, data, work, fits=initial_weights is None)
        valid = None if end != times.cut_train else WindowValidation.begun(network, data, times, training, metric)
        network.to(device)
        rate, steps = training.predictor_learning_rate, -(-pairs.groups // training.batch_size)
        optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=steps * training.epochs)
        return cls(network, drawn, pairs, valid, optimizer, schedule, steps)

    def go_on_from(self, step: int) -> None:
        """Set the learning rate and momentum of the next step, after so many."""
        if step:
            self.schedule.load_state_dict(
                self.schedule.state_dict() | {"last_epoch": step - 1, "_step_count": step + 1}
            )
            self.schedule.step()


def _required(data: TrainingData) -> TemporalData:
    if data.times is None:
        raise InvalidGraph(
            "temporal_ncn learns from when edges came, but the training data has no times. Give time, or choose the "
            "predictor ncnc."
        )
    return data.times
