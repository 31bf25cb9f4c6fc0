"""Train tonight's challenger."""

from __future__ import annotations

import logging
import time

import torch
from torch import Tensor

from ncnc_core.adjacency import Adjacency, pair_keys
from ncnc_core.completion_calibration import CompletionCalibration
from ncnc_core.link_model import LinkModel
from ncnc_core.training import TrainedNetwork, TrainingData
from pipeline import compute
from pipeline.doors import Doors
from pipeline.graph_tables import GraphTables
from pipeline.leak_certificate import as_records, edge_history, features_as_known, training_certificate
from pipeline.night_training import NightTraining
from pipeline.params import Params
from pipeline.records import EdgeSplit, EpochPoint, FileDigest, GraphSnapshot, TrainedModel, digests_of_folder
from pipeline.run_data import CONTROL_FOLDER, MODEL_FOLDER, features_for, snapshot_tables, split_arrays
from pipeline.run_folder import RunFolder
from pipeline.split_arrays import SplitArrays
from pipeline.warm_start import start_of

logger = logging.getLogger(__name__)


def run(folder: RunFolder, params: Params, *, doors: Doors) -> TrainedModel:
    """Train on the split, upload the model (and its cold-start control), and leave the record of them.

    Resumes from the checkpoint in MLflow where an earlier try, here or on another machine, left one.
    """
    if (done := folder.find(TrainedModel)) is not None:
        return done
    split = folder.get(EdgeSplit)
    tables, arrays = snapshot_tables(folder, doors), split_arrays(folder, doors)
    device = compute.use(params.resources)
    run_id = folder.require_mlflow_run()
    started, history = time.perf_counter(), edge_history(tables)
    data = training_data(tables, arrays, features_for(tables, split, "training"))
    as_of = folder.get(GraphSnapshot).as_of
    checked = (
        *training_certificate(data, arrays, history),
        *features_as_known("training", data.features, tables, split, as_of),
    )
    start = start_of(folder, params.train, tables, data, history, doors)
    training = NightTraining(folder, params.train, data, run_id, device, doors.registry)
    serving = features_for(tables, split, "serving")
    with folder.staging(MODEL_FOLDER) as staged:
        trained = training.run(start.weights)
        if trained.calibration is not None:
            doors.registry.log_metrics(run_id, calibrated_metrics(trained.calibration), step=trained.epochs)
        model = served_model(trained, tables, serving)
        model.save(staged)
        files = digests_of_folder(staged)
    doors.registry.put_folder(run_id, folder.path / MODEL_FOLDER, MODEL_FOLDER)
    control: tuple[FileDigest, ...] = ()
    if start.weights is not None and params.train.cold_control:
        with folder.staging(CONTROL_FOLDER) as staged:
            served_model(training.run(None, CONTROL_FOLDER), tables, serving).save(staged)
            control = digests_of_folder(staged)
        doors.registry.put_folder(run_id, folder.path / CONTROL_FOLDER, CONTROL_FOLDER)
    record = TrainedModel(
        split_sha256=split.sha256,
        mlflow_run_id=run_id,
        files=files,
        epochs=trained.epochs,
        best_epoch=trained.best_epoch,
        selection_metric=params.train.selection_metric,
        best_value=trained.value,
        num_parameters=model.num_parameters,
        seed=params.train.training.seed,
        seconds=round(time.perf_counter() - started, 3),
        machine=compute.machine(device),
        history=epoch_points(trained),
        warm_start=start.source,
        start_note=start.note,
        control=control,
        certificate=as_records(checked),
    )
    folder.put(record)
    training.remove_checkpoints()
    return record


def training_data(tables: GraphTables, arrays: SplitArrays, features: Tensor | None) -> TrainingData:
    """Return what training may see: nothing later than the train cut but the validation pairs themselves."""
    return TrainingData(
        num_nodes=tables.num_nodes,
        features=features,
        train_edges=arrays.train,
        # Only edges known at the cut: excluding validation or test positives would leak them.
        forbidden_keys=pair_keys(arrays.known_train, tables.num_nodes).unique(),
        valid_edges=arrays.valid,
        valid_negatives=arrays.valid_negatives,
    )


def served_model(trained: TrainedNetwork, tables: GraphTables, features: Tensor | None) -> LinkModel:
    """Return the model with the graph it serves on: all living edges of the snapshot."""
    living = torch.from_numpy(tables.edges[:, tables.living])
    return LinkModel(
        config=trained.model,
        network=trained.network,
        node_ids=tables.node_ids.tolist(),
        features=features,
        adjacency=Adjacency.from_edges(living, tables.num_nodes),
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


def calibrated_metrics(calibration: CompletionCalibration) -> dict[str, float]:
    """Return the constants of completion that validation chose, and what it made of them."""
    chosen = calibration.chosen
    return {
        "completion_scale": chosen.scale,
        "completion_offset": chosen.offset,
        "completion_alpha": chosen.alpha,
        "completion_valid_value": chosen.value,
    }
