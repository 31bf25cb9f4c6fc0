"""The bulk data of a run, found in its folder or fetched by digest from the data repository and verified."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.doors import Doors
from pipeline.graphs.snapshot_folder import read_graph
from pipeline.graphs.tables import GraphTables
from pipeline.ledger.collected_models import expect_model
from pipeline.records.chain import EdgeSplit, GraphSnapshot, TrainedModel
from pipeline.records.digests import FileDigest
from pipeline.records.manifest import verify_manifest
from pipeline.records.names import CONTROL_FOLDER, MODEL_FOLDER, SNAPSHOT_FOLDER, SPLIT_FOLDER
from pipeline.runs.folder import RunFolder

if TYPE_CHECKING:
    from pipeline.splits.arrays import SplitArrays


def snapshot_tables(folder: RunFolder, doors: Doors) -> GraphTables:
    """Return the run's graph, fetched by its tag where this machine does not have it; every byte is checked.

    Raises:
        TamperedRecord: a file differs from the snapshot's manifest.
    """
    record, path = folder.get(GraphSnapshot), folder.path / SNAPSHOT_FOLDER
    if not path.is_dir():
        _fetch_by_tag(folder, doors, record.tag, SNAPSHOT_FOLDER)
    verify_manifest(path, record.manifest_sha256, f"{SNAPSHOT_FOLDER} of run {folder.name}")
    return read_graph(path).tables


def split_arrays(folder: RunFolder, doors: Doors) -> SplitArrays:
    """Return the run's split, fetched by its tag where this machine does not have it; every byte is checked."""
    from pipeline.splits.arrays import SplitArrays

    record = folder.get(EdgeSplit)
    path = folder.verified(SPLIT_FOLDER, record.files)
    if path is None:
        _fetch_by_tag(folder, doors, record.tag, SPLIT_FOLDER)
        path = folder.verified(SPLIT_FOLDER, record.files)
    return SplitArrays.load(path or folder.path / SPLIT_FOLDER)


def model_folder(folder: RunFolder, doors: Doors, trained: TrainedModel) -> Path:
    """Return the folder of the run's trained model, fetched from MLflow where this machine does not have it."""
    return _trained_folder(folder, MODEL_FOLDER, trained.files, doors, trained)


def control_folder(folder: RunFolder, doors: Doors, trained: TrainedModel) -> Path | None:
    """Return the folder of the run's cold-start control, as `model_folder` does; None where the run has none."""
    return _trained_folder(folder, CONTROL_FOLDER, trained.control, doors, trained) if trained.control else None


def _trained_folder(
    folder: RunFolder, name: str, files: tuple[FileDigest, ...], doors: Doors, trained: TrainedModel
) -> Path:
    path = folder.verified(name, files)
    if path is None:
        expect_model(doors.ledger.entries(folder.graph), folder.name)  # gone by a policy is not tampered with
        with folder.staging(name) as staged:
            doors.registry.runs.fetch_folder(trained.mlflow_run_id, name, staged, files)
        path = folder.verified(name, files)
    return path or folder.path / name


def _fetch_by_tag(folder: RunFolder, doors: Doors, tag: str, name: str) -> None:
    with folder.staging(name) as staged:
        shutil.rmtree(staged)
        doors.snapshots.fetch(tag, staged)
