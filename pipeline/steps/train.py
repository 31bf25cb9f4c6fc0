"""Train tonight's challenger."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import datetime

from torch import Tensor

from ncnc_core.graph.edge_history import EdgeHistory
from ncnc_core.link_model import LinkModel
from ncnc_core.networks.temporal_network import TemporalNetwork
from ncnc_core.splits.leak_invariants import Invariant
from ncnc_core.training.data import TrainingData
from ncnc_core.training.trained_network import TrainedNetwork
from pipeline.doors import Doors
from pipeline.graphs.tables import GraphTables
from pipeline.params.params import Params
from pipeline.params.train import AUTO
from pipeline.records.chain import EdgeSplit, GraphSnapshot, TrainedModel
from pipeline.records.digests import FileDigest, digests_of_folder
from pipeline.records.names import CONTROL_FOLDER, MODEL_FOLDER
from pipeline.runs import compute
from pipeline.runs.data import snapshot_tables, split_arrays
from pipeline.runs.folder import RunFolder
from pipeline.splits.certificate import as_records, edge_history, training_certificate
from pipeline.splits.event_times import event_history, temporal_data
from pipeline.splits.known_features import features_as_known, features_for, standardized_as_known
from pipeline.splits.windows_certificate import pair_scale_of_windows, windows_certificate
from pipeline.training.night_training import (
    NightTraining,
    calibrated_metrics,
    epoch_points,
    model_that_serves,
    sampled_metrics,
    sampled_reason,
    training_data,
)
from pipeline.training.processes import process_group
from pipeline.training.recipe import ChosenRecipe, ExpectedWork, chosen_recipe
from pipeline.training.warm_start import Start, start_of

logger = logging.getLogger(__name__)


def run(folder: RunFolder, params: Params, *, doors: Doors) -> TrainedModel:
    """Train on the split, upload the model (and its cold-start control), and leave the record of them.

    Resumes from the checkpoint in MLflow where an earlier try, here or on another machine, left one. Under torchrun
    each process calls this: all train, the first leaves the record, and the others return it.
    """
    if (done := folder.find(TrainedModel)) is not None:
        return done
    with process_group(params.resources) as ranks:
        trained = _trained(folder, params, doors, is_first=ranks.is_first)
        record = _left(folder, trained, doors) if ranks.is_first else None
        ranks.wait()  # until the first has left it
    trained.training.remove_checkpoints()
    return record or folder.get(TrainedModel)


@dataclass(frozen=True, eq=False)
class _Trained:
    """The networks of a night, and what is said of them: `control` is the one from a cold start, where one is asked."""

    night: _NightData
    recipe: ChosenRecipe
    expected: ExpectedWork
    start: Start
    training: NightTraining
    network: TrainedNetwork
    control: TrainedNetwork | None
    machine: dict[str, str]
    seconds: float


def _trained(folder: RunFolder, params: Params, doors: Doors, *, is_first: bool) -> _Trained:
    """Train tonight's networks; of several processes the first one alone says so in MLflow."""
    split, run_id = folder.get(EdgeSplit), folder.require_mlflow_run()
    device, night, started = compute.use(params.resources), _NightData.of(folder, split, doors), time.perf_counter()
    recipe = chosen_recipe(params.train, night.data)
    expected = _told(recipe, night.data)
    if is_first:
        _show(recipe, run_id, doors)
    start = start_of(folder, recipe.params, night.tables, night.data, night.history, doors)
    training = NightTraining(folder, recipe.params, night.data, run_id, params.resources, doors.registry)
    network, has_control = training.run(start.weights), start.weights is not None and params.train.cold_control
    control = training.run(None, CONTROL_FOLDER) if has_control else None
    seconds, machine = time.perf_counter() - started, compute.machine(device, params.resources)
    return _Trained(night, recipe, expected, start, training, network, control, machine, round(seconds, 3))


def _left(folder: RunFolder, done: _Trained, doors: Doors) -> TrainedModel:
    """Upload the models, and leave the record of them."""
    night, trained, run_id = done.night, done.network, folder.require_mlflow_run()
    if trained.calibration is not None:
        doors.registry.runs.log_metrics(run_id, calibrated_metrics(trained.calibration), step=trained.epochs)
    if trained.sample is not None:
        doors.registry.runs.log_metrics(run_id, sampled_metrics(trained.sample), step=trained.epochs)
    model = model_that_serves(trained, night.tables, night.serving)
    files, control = _stored(folder, MODEL_FOLDER, model, run_id, doors), tuple[FileDigest, ...]()
    if done.control is not None:
        cold = model_that_serves(done.control, night.tables, night.serving)
        control = _stored(folder, CONTROL_FOLDER, cold, run_id, doors)
    params, start = done.recipe.params, done.start
    record = TrainedModel(
        split_sha256=night.split.sha256,
        mlflow_run_id=run_id,
        files=files,
        epochs=trained.epochs,
        best_epoch=trained.best_epoch,
        selection_metric=params.selection_metric,
        best_value=trained.value,
        num_parameters=model.num_parameters,
        seed=params.training.seed,
        seconds=done.seconds,
        machine=done.machine,
        history=epoch_points(trained),
        warm_start=start.source,
        start_note=start.note,
        control=control,
        certificate=as_records(night.certified(model, trained, warm=start.weights is not None)),
        standardized_features=0 if model.network.standard is None else model.network.num_features,
        predictor=model.config.predictor,
        recipe=done.recipe.name,
        recipe_reasons=(*done.recipe.reasons, *_figures(done.recipe, done.expected, trained)),
    )
    folder.put(record)
    return record


@dataclass(frozen=True, eq=False)
class _NightData:
    """What a night trains and serves on, and the invariants that were checked on it."""

    tables: GraphTables
    history: EdgeHistory
    split: EdgeSplit
    as_of: datetime
    data: TrainingData
    test: Tensor
    serving: Tensor | None
    certificate: tuple[Invariant, ...]

    def certified(self, model: LinkModel, trained: TrainedNetwork, *, warm: bool) -> tuple[Invariant, ...]:
        """Return the certificate, with what training drew and the scales that it took of it.

        After a warm start the scales are the source's, which has learnt on them: they are not checked.
        """
        windows = self._windows(trained)
        if warm:
            return (*self.certificate, *windows)
        message, standard = self.data.message_edges, model.network.standard
        scales = standardized_as_known(standard, message, self.tables, self.split, self.as_of)
        return (*self.certificate, *windows, *scales, *self._scales(model, trained))

    def _windows(self, trained: TrainedNetwork) -> tuple[Invariant, ...]:
        if not trained.windows or self.data.times is None or self.split.cut_valid is None:
            return ()
        until = int(self.split.cut_valid.timestamp())
        return windows_certificate(trained.windows, self.history, self.data.times.history, until=until, test=self.test)

    def _scales(self, model: LinkModel, trained: TrainedNetwork) -> tuple[Invariant, ...]:
        if not trained.windows or not isinstance(model.network, TemporalNetwork):
            return ()
        return pair_scale_of_windows(model.network, trained.windows, event_history(self.tables))

    @classmethod
    def of(cls, folder: RunFolder, split: EdgeSplit, doors: Doors) -> _NightData:
        """Read a run's snapshot and split, and check that training sees nothing that it must not know yet."""
        tables, arrays = snapshot_tables(folder, doors), split_arrays(folder, doors)
        history, features = edge_history(tables), features_for(tables, split, "training")
        data = training_data(tables, arrays, features, temporal_data(tables, split))
        as_of = folder.get(GraphSnapshot).as_of
        certificate = (
            *training_certificate(data, arrays, history),
            *features_as_known("training", data.features, tables, split, as_of),
        )
        serving = features_for(tables, split, "serving")
        return cls(tables, history, split, as_of, data, arrays.test, serving, certificate)


def _told(recipe: ChosenRecipe, data: TrainingData) -> ExpectedWork:
    """Say which recipe it is, and about what it costs, before the work begins."""
    expected = ExpectedWork.of(recipe.params, data)
    logger.info("the recipe is %s: %s", recipe.name, recipe.params.model.predictor)
    for line in expected.lines():
        logger.info("%s", line)
    return expected


def _figures(recipe: ChosenRecipe, expected: ExpectedWork, trained: TrainedNetwork) -> list[str]:
    """Return what the record says besides the reasons of a recipe that was chosen: its cost, and a sample's part."""
    said = [str(expected.estimate)] if recipe.name == AUTO else []
    return said if trained.sample is None else [*said, sampled_reason(trained.sample)]


def _show(recipe: ChosenRecipe, run_id: str, doors: Doors) -> None:
    """Tag the night's run in MLflow with the recipe, where a person sorts and filters runs by it."""
    told = {
        "recipe": recipe.name,
        "predictor": recipe.params.model.predictor,
        "recipe_reasons": " ".join(recipe.reasons),
    }
    for name, value in told.items():
        if value:
            doors.registry.runs.pinned(run_id, name, value)


def _stored(folder: RunFolder, name: str, model: LinkModel, run_id: str, doors: Doors) -> tuple[FileDigest, ...]:
    """Save a model here and in MLflow, and return the digests of its files."""
    with folder.staging(name) as staged:
        model.save(staged)
        files = digests_of_folder(staged)
    doors.registry.runs.put_folder(run_id, folder.path / name, name)
    return files
