"""Train tonight's challenger."""

from __future__ import annotations

import logging
import time

from pipeline.doors import Doors
from pipeline.params.params import Params
from pipeline.records.chain import EdgeSplit, GraphSnapshot, TrainedModel
from pipeline.records.digests import FileDigest, digests_of_folder
from pipeline.records.names import CONTROL_FOLDER, MODEL_FOLDER
from pipeline.runs import compute
from pipeline.runs.data import snapshot_tables, split_arrays
from pipeline.runs.folder import RunFolder
from pipeline.splits.certificate import as_records, edge_history, training_certificate
from pipeline.splits.known_features import features_as_known, features_for
from pipeline.training.night_training import (
    NightTraining,
    calibrated_metrics,
    epoch_points,
    model_that_serves,
    training_data,
)
from pipeline.training.warm_start import start_of

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
            doors.registry.runs.log_metrics(run_id, calibrated_metrics(trained.calibration), step=trained.epochs)
        model = model_that_serves(trained, tables, serving)
        model.save(staged)
        files = digests_of_folder(staged)
    doors.registry.runs.put_folder(run_id, folder.path / MODEL_FOLDER, MODEL_FOLDER)
    control: tuple[FileDigest, ...] = ()
    if start.weights is not None and params.train.cold_control:
        with folder.staging(CONTROL_FOLDER) as staged:
            model_that_serves(training.run(None, CONTROL_FOLDER), tables, serving).save(staged)
            control = digests_of_folder(staged)
        doors.registry.runs.put_folder(run_id, folder.path / CONTROL_FOLDER, CONTROL_FOLDER)
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
