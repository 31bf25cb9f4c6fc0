"""The bulk data of a run, found in its folder or fetched by digest from the data repository and verified."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pandas import DataFrame

from pipeline.doors import Doors
from pipeline.graphs.snapshot_folder import read_graph
from pipeline.graphs.tables import GraphTables
from pipeline.ledger.collected_models import expect_model
from pipeline.records.chain import EdgeSplit, GraphSnapshot, TrainedModel
from pipeline.records.digests import FileDigest, expect_files
from pipeline.records.manifest import verify_manifest
from pipeline.records.names import CONTROL_FOLDER, MODEL_FOLDER, SNAPSHOT_FOLDER, SPLIT_FOLDER
from pipeline.runs.folder import RunFolder

if TYPE_CHECKING:
    from pipeline.splits.arrays import SplitArrays


def snapshot_tables(folder: RunFolder, doors: Doors) -> GraphTables:
    """Return the run's graph, fetched by its tag where this machine has no good copy; every byte is checked.

    Raises:
        TamperedRecord: a file differs from the snapshot's manifest, on the DVC remote too.
    """
    record = folder.get(GraphSnapshot)
    return published_tables(folder, record.tag, record.manifest_sha256, doors)


def published_tables(folder: RunFolder, tag: str, manifest_sha256: str, doors: Doors) -> GraphTables:
    """Return the graph of the snapshot that a run folder is for, as `snapshot_tables` does, without the run's record.

    Raises:
        TamperedRecord: a file differs from the snapshot's manifest, on the DVC remote too.
    """
    source = f"{SNAPSHOT_FOLDER} of run {folder.name}"
    path = folder.kept(
        SNAPSHOT_FOLDER,
        check=lambda found: verify_manifest(found, manifest_sha256, source),
        fetch=lambda staged: doors.snapshots.fetch(tag, staged),
    )
    return read_graph(path).tables


def split_arrays(folder: RunFolder, doors: Doors) -> SplitArrays:
    """Return the run's split, fetched by its tag where this machine has no good copy; every byte is checked.

    Raises:
        TamperedRecord: a file differs from the split's record, on the DVC remote too.
    """
    from pipeline.splits.arrays import SplitArrays

    record = folder.get(EdgeSplit)
    path = folder.kept(
        SPLIT_FOLDER,
        check=lambda found: expect_files(found, record.files, f"{SPLIT_FOLDER} of run {folder.name}"),
        fetch=lambda staged: doors.snapshots.fetch(record.tag, staged),
    )
    return SplitArrays.load(path)


def example_pairs(model: Path) -> DataFrame:
    """Return two pairs of a saved model's own nodes, as the input that the served model shows."""
    from ncnc_core.link_model import LinkModel  # here: a retry that finds its version made needs no torch

    ids = list(LinkModel.load(model).node_ids)
    return DataFrame({"source": ids[:2], "target": ids[-2:][::-1]})


def model_folder(folder: RunFolder, doors: Doors, trained: TrainedModel) -> Path:
    """Return the folder of the run's trained model, fetched from MLflow where this machine has no good copy."""
    return _trained_folder(folder, MODEL_FOLDER, trained.files, doors, trained)


def control_folder(folder: RunFolder, doors: Doors, trained: TrainedModel) -> Path | None:
    """Return the folder of the run's cold-start control, as `model_folder` does; None where the run has none."""
    return _trained_folder(folder, CONTROL_FOLDER, trained.control, doors, trained) if trained.control else None


def _trained_folder(
    folder: RunFolder, name: str, files: tuple[FileDigest, ...], doors: Doors, trained: TrainedModel
) -> Path:
    def fetch(staged: Path) -> None:
        expect_model(doors.ledger.entries(folder.graph), folder.name)  # gone by a policy is not tampered with
        doors.registry.runs.fetch_folder(trained.mlflow_run_id, name, staged, files)

    return folder.kept(name, lambda found: expect_files(found, files, f"{name} of run {folder.name}"), fetch)
