"""A night's trainings: each with checkpoints in MLflow, so that a killed one goes on, here or on another machine."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from ncnc_core.graph.adjacency import pair_keys
from ncnc_core.link_model import LinkModel
from ncnc_core.training.checkpoint import EpochResult
from ncnc_core.training.completion_calibration import CompletionCalibration
from ncnc_core.training.data import TemporalData, TrainingData
from ncnc_core.training.ranks import Ranks
from ncnc_core.training.trained_network import TrainedNetwork, train_network
from ncnc_core.training.valid_sample import SampledChoice
from pipeline.errors import TamperedRecord
from pipeline.graphs.tables import GraphTables
from pipeline.params.params import ResourceParams
from pipeline.params.train import TrainParams
from pipeline.records.chain import EpochPoint
from pipeline.registry.model_registry import ModelRegistry
from pipeline.runs.folder import RunFolder
from pipeline.splits.arrays import SplitArrays
from pipeline.splits.event_times import serving_graph
from pipeline.stopping import Stopped
from pipeline.training.processes import ProcessDied, bytes_of, in_processes
from pipeline.training.work_log import WorkLog

logger = logging.getLogger(__name__)
CHECKPOINT_NAME = "checkpoint"
EPOCHS_PER_UPLOAD = 5  # a worker that dies loses at most this many epochs; each upload costs about 0.1 s


class NightTraining:
    """Trains one recipe on one night's data, once for the challenger and once more for a control beside it."""

    def __init__(
        self,
        folder: RunFolder,
        params: TrainParams,
        data: TrainingData,
        run_id: str,
        resources: ResourceParams,
        registry: ModelRegistry,
    ) -> None:
        self.params, self.data, self.run_id, self.resources, self.registry = params, data, run_id, resources, registry
        self.device = torch.device(resources.device)
        self._staging = folder.path / ".staging"
        self._checkpoints: list[Path] = []

    def run(self, initial_weights: Mapping[str, Tensor] | None, name: str = "") -> TrainedNetwork:
        """Train, resuming from the checkpoint that an earlier try left in MLflow; what has a name logs under it.

        By `resources.processes`, unless this process is one of a group already: then with the others.
        """
        kept = f"{name}_{CHECKPOINT_NAME}" if name else CHECKPOINT_NAME
        checkpoint = self._staging / f"{kept}-{uuid.uuid4().hex}"
        self._checkpoints.append(checkpoint)
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.registry.runs.fetch_file(self.run_id, checkpoint, kept)
        except TamperedRecord as error:  # a checkpoint saves time, and is nothing that a record leads to
            logger.warning("the training begins anew, for its checkpoint is damaged: %s", error)

        try:
            if self.resources.processes == 1 or Ranks.here().size > 1:
                return self.trained(initial_weights, name, checkpoint, kept)
            shared, asked = bytes_of((self.data, initial_weights)), (self, initial_weights, name, checkpoint, kept)
            trained = in_processes(_trained_apart, *asked, resources=self.resources, shared_bytes=shared)
            return replace(trained, network=trained.network.to(self.device))
        except (Stopped, ProcessDied):
            if checkpoint.is_file():
                self.registry.runs.put_file(self.run_id, checkpoint, kept)
                logger.info("the last epoch's checkpoint is in MLflow, and the next try goes on from it")
            raise

    def trained(
        self, initial_weights: Mapping[str, Tensor] | None, name: str, checkpoint: Path, kept: str
    ) -> TrainedNetwork:
        """Train in this process; the first of a group keeps what is logged, and its checkpoint."""
        is_first, runs = Ranks.here().is_first, self.registry.runs
        work = WorkLog(lambda figures, step: runs.log_metrics(self.run_id, figures, step=step), name=name)
        trained = train_network(
            self.params.model,
            self.params.training,
            self.data,
            selection_metric=self.params.selection_metric,
            on_epoch=(lambda result: self._keep(result, name, checkpoint, kept)) if is_first else None,
            on_work=work if is_first else None,
            checkpoint=checkpoint,
            device=self.device,
            initial_weights=initial_weights,
        )
        if is_first:
            self._log_what_was_missed(trained.history, name)
        return trained

    def _keep(self, result: EpochResult, name: str, checkpoint: Path, kept: str) -> None:
        """Log an epoch, and keep the checkpoint in MLflow now and then."""
        self._log(result, name)
        if result.epoch % EPOCHS_PER_UPLOAD == 0 and checkpoint.is_file():
            self.registry.runs.put_file(self.run_id, checkpoint, kept)
        logger.info(
            "%sepoch %d loss %.4f %s seconds %.1f",
            *(f"{name} " if name else "", result.epoch, result.loss, result.metrics, result.seconds),
        )

    def _log(self, result: EpochResult, name: str) -> None:
        """Log the metrics of an epoch, under the training's name if it has one."""
        found = {"loss": result.loss, **{f"valid_{metric}": value for metric, value in result.metrics.items()}}
        if result.standard_error is not None:
            found[f"valid_{self.params.selection_metric}_standard_error"] = result.standard_error
        logged = {_logged_name(metric, name): value for metric, value in found.items()}
        self.registry.runs.log_metrics(self.run_id, logged, step=result.epoch)

    def _log_what_was_missed(self, history: tuple[EpochResult, ...], name: str) -> None:
        """Log the epochs that MLflow lacks: a try that ends between a checkpoint and its metrics leaves one out."""
        logged = self.registry.runs.steps(self.run_id, _logged_name("loss", name))
        for result in history:
            if result.epoch not in logged:
                self._log(result, name)

    def remove_checkpoints(self) -> None:
        """Remove this machine's checkpoints, once what they led to is recorded."""
        for checkpoint in self._checkpoints:
            checkpoint.unlink(missing_ok=True)


def _logged_name(metric: str, training: str) -> str:
    return f"{training}_{metric}" if training else metric


def _trained_apart(
    training: NightTraining, initial_weights: Mapping[str, Tensor] | None, name: str, checkpoint: Path, kept: str
) -> TrainedNetwork:
    """Train as one of the processes of a group; the network is handed over on the CPU."""
    trained = training.trained(initial_weights, name, checkpoint, kept)
    return replace(trained, network=trained.network.cpu())


def training_data(
    tables: GraphTables, arrays: SplitArrays, features: Tensor | None, times: TemporalData | None = None
) -> TrainingData:
    """Return what training may see: nothing later than the train cut but the validation pairs themselves.

    `times` may go up to the second cut: a temporal model is trained once more with the validation window.
    """
    return TrainingData(
        num_nodes=tables.num_nodes,
        features=features,
        train_edges=arrays.train,
        # Only edges known at the cut: excluding validation or test positives would leak them.
        forbidden_keys=pair_keys(arrays.known_train, tables.num_nodes).unique(),
        valid_edges=arrays.valid,
        valid_negatives=arrays.valid_negatives,
        times=times,
    )


def model_that_serves(trained: TrainedNetwork, tables: GraphTables, features: Tensor | None) -> LinkModel:
    """Return the model with the graph it serves on: all living edges of the snapshot."""
    return LinkModel(
        config=trained.model,
        network=trained.network,
        node_ids=tables.node_ids.tolist(),
        features=features,
        adjacency=serving_graph(tables, timed=trained.model.predictor == "temporal_ncn"),
        calibration=trained.score_calibration,
    )


def epoch_points(trained: TrainedNetwork) -> tuple[EpochPoint, ...]:
    """Return every epoch as the record keeps it: the loss, and the selection metric where it was evaluated."""
    return tuple(
        EpochPoint(
            epoch=item.epoch,
            loss=item.loss,
            value=item.metrics.get(trained.selection_metric),
            seconds=round(item.seconds, 3),
        )
        for item in trained.history
    )


def sampled_metrics(sample: SampledChoice) -> dict[str, float]:
    """Return of how many validation edges the sample was that chose the epoch, and the value on all of them."""
    return {
        "valid_edges_sampled": float(sample.edges),
        "valid_edges": float(sample.of),
        "valid_value_of_all": sample.whole_value,
    }


def sampled_reason(sample: SampledChoice) -> str:
    """Return in words how the epoch was chosen."""
    error = "" if sample.standard_error is None else f", with a standard error of {sample.standard_error:.4f}"
    return (
        f"{sample.edges} of {sample.of} validation edges, drawn by the seed, chose the epoch{error}; the value is that "
        "of all."
    )


def calibrated_metrics(calibration: CompletionCalibration) -> dict[str, float]:
    """Return the constants of completion that validation chose, and what it made of them."""
    chosen = calibration.chosen
    return {
        "completion_scale": chosen.scale,
        "completion_offset": chosen.offset,
        "completion_alpha": chosen.alpha,
        "completion_valid_value": chosen.value,
    }
