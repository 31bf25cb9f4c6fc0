"""A night's trainings: each with checkpoints in MLflow, so that a killed one goes on, here or on another machine."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ncnc_core.training import EpochResult, TrainedNetwork, TrainingData, train_network
from pipeline.model_registry import ModelRegistry
from pipeline.params import TrainParams
from pipeline.run_folder import RunFolder

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
        device: torch.device,
        registry: ModelRegistry,
    ) -> None:
        self.params, self.data, self.run_id, self.device, self.registry = params, data, run_id, device, registry
        self._staging = folder.path / ".staging"
        self._checkpoints: list[Path] = []

    def run(self, initial_weights: Mapping[str, Tensor] | None, name: str = "") -> TrainedNetwork:
        """Train, resuming from the checkpoint that an earlier try left in MLflow; what has a name logs under it."""
        kept = f"{name}_{CHECKPOINT_NAME}" if name else CHECKPOINT_NAME
        checkpoint = self._staging / f"{kept}-{uuid.uuid4().hex}"
        self._checkpoints.append(checkpoint)
        self.registry.fetch_file(self.run_id, checkpoint, kept)

        def report(result: EpochResult) -> None:
            found = {"loss": result.loss, **{f"valid_{metric}": value for metric, value in result.metrics.items()}}
            prefix = f"{name}_" if name else ""
            logged = {f"{prefix}{metric}": value for metric, value in found.items()}
            self.registry.log_metrics(self.run_id, logged, step=result.epoch)
            if result.epoch % EPOCHS_PER_UPLOAD == 0 and checkpoint.is_file():
                self.registry.put_file(self.run_id, checkpoint, kept)
            logger.info(
                "%sepoch %d loss %.4f %s seconds %.1f",
                *(f"{name} " if name else "", result.epoch, result.loss, result.metrics, result.seconds),
            )

        return train_network(
            self.params.model,
            self.params.training,
            self.data,
            selection_metric=self.params.selection_metric,
            on_epoch=report,
            checkpoint=checkpoint,
            device=self.device,
            initial_weights=initial_weights,
        )

    def remove_checkpoints(self) -> None:
        """Remove this machine's checkpoints, once what they led to is recorded."""
        for checkpoint in self._checkpoints:
            checkpoint.unlink(missing_ok=True)
