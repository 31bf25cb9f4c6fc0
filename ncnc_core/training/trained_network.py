"""Training one network on one graph: early stopping on one metric, resumable, calibrated where asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ncnc_core.config.choices import SelectionMetric
from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.evaluation.score_calibration import ScoreCalibration, fit_calibration
from ncnc_core.networks.any_network import AnyNetwork
from ncnc_core.training.checkpoint import EpochResult, fingerprint, read_checkpoint, write_checkpoint
from ncnc_core.training.completion_calibration import CompletionCalibration, require_completion
from ncnc_core.training.data import TrainingData
from ncnc_core.training.ranks import Ranks
from ncnc_core.training.run import TrainingRun
from ncnc_core.training.seeded import seeded
from ncnc_core.training.step import require_own_edge_hidden
from ncnc_core.training.temporal_run import TemporalRun
from ncnc_core.training.valid_sample import SampledChoice
from ncnc_core.training.validation import require_selectable
from ncnc_core.training.windows import DrawnWindow
from ncnc_core.training.work import Listener

__all__ = ["EpochResult", "TrainedNetwork", "TrainingData", "train_network"]


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """The weights of the best epoch on validation, in evaluation mode, and how they came about.

    `best_value` is the best epoch's, `value` that of the network as it is returned: where completion was calibrated
    it is at least as good. Where `sample` says that some of the validation edges chose the epoch, `best_value` and the
    history are theirs, and `value` is that of all. `score_calibration` turns its logits into probabilities, by the
    validation pairs. `windows` are what a temporal network learnt from.
    """

    network: AnyNetwork
    best_epoch: int
    best_value: float
    selection_metric: str
    history: tuple[EpochResult, ...]
    calibration: CompletionCalibration | None = None
    score_calibration: ScoreCalibration | None = None
    windows: tuple[DrawnWindow, ...] = ()
    sample: SampledChoice | None = None

    @property
    def model(self) -> ModelConfig:
        """The architecture as trained: that asked for, with the calibrated constants of completion where asked."""
        return self.network.config

    @property
    def value(self) -> float:
        """The selection metric on validation of the network as it is returned."""
        if self.sample is not None:
            return self.sample.whole_value
        return self.best_value if self.calibration is None else self.calibration.chosen.value

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
    on_work: Listener | None = None,
    checkpoint: Path | None = None,
    device: torch.device | str = "cpu",
    initial_weights: Mapping[str, Tensor] | None = None,
) -> TrainedNetwork:
    """Train until the selection metric has not risen for `patience` evaluations, and keep the best epoch's weights.

    The same arguments give the same weights, bit for bit on one CPU model and thread count; the caller's random state
    is untouched. With `checkpoint`, the state is saved after each epoch (before `on_epoch` hears of it) and a run that
    finds the file continues it. `initial_weights` are the state_dict of a network to start from, as NCNC does from a
    trained NCN. `on_work` hears after each batch, and each part of a scoring, how far the training is.

    In a process group of torch (`torchrun`) every process calls this with the same arguments, computes its share of
    each batch, and gets the same network. The first one alone reads and writes the checkpoint, which any number of
    processes can go on from. Losses are those of one process up to rounding where nothing is dropped out or sampled;
    what is, each process draws for its own pairs.

    Raises:
        InvalidGraph: the loss is no number any more, the checkpoint is another run's, the metric cannot be measured on
            the validation pairs, there is no completion to calibrate, the target links cannot be hidden pair by pair,
            or the initial weights are of another model.
    """
    require_selectable(selection_metric, data)
    require_own_edge_hidden(model, training)
    if training.calibrate_completion:
        require_completion(model)
    device = torch.device(device)
    with seeded(training.seed, device):
        kind = TemporalRun if model.predictor == "temporal_ncn" else TrainingRun
        run = kind(model, training, data, selection_metric, device, initial_weights, tell=on_work)
        name = fingerprint(model, training, data, selection_metric, initial_weights)
        _go_on(run, checkpoint, name)
        run.work.begin()
        _run_epochs(run, checkpoint, name, on_epoch)
        network, calibration = run.trained(), None
        if training.calibrate_completion and isinstance(run, TrainingRun):
            network, calibration = run.calibrated()
        scores = run.validation_scores()
    progress = run.progress
    return TrainedNetwork(
        network,
        progress.best_epoch,
        progress.best_value,
        selection_metric,
        tuple(progress.history),
        calibration,
        fit_calibration(*scores),
        run.windows() if isinstance(run, TemporalRun) else (),
        None if isinstance(run, TemporalRun) else run.sampled_choice(),
    )


def _go_on(run: TrainingRun | TemporalRun, checkpoint: Path | None, name: str) -> None:
    """Continue from the checkpoint, if there is one; of several processes the first one's is everyone's."""
    if checkpoint is None:
        return
    ranks = Ranks.here()
    found = ranks.of_first(read_checkpoint(checkpoint, name) if ranks.is_first and checkpoint.exists() else None)
    if found is not None:
        run.load(*found)


def _run_epochs(
    run: TrainingRun | TemporalRun, checkpoint: Path | None, name: str, on_epoch: Callable[[EpochResult], None] | None
) -> None:
    is_first = Ranks.here().is_first
    while not run.progress.finished:
        result = run.epoch()
        if checkpoint is not None and is_first:
            write_checkpoint(checkpoint, run.tensors(), run.progress, name)
        if on_epoch is not None:
            on_epoch(result)
