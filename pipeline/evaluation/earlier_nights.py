"""The nights before tonight that left a model: which they are, and the model of each, read from MLflow for a while."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from ncnc_core.errors import InvalidGraph
from ncnc_core.link_model import LinkModel
from pipeline.doors import Doors
from pipeline.errors import InvalidInput
from pipeline.graphs.tables import GraphTables
from pipeline.ledger.collected_models import collected_in_words, model_collection
from pipeline.ledger.entries import Entry, NightEntry
from pipeline.ledger.night import last_nights
from pipeline.records.chain import TrainedModel
from pipeline.records.names import MODEL_FOLDER
from pipeline.runs.incumbent import FEATURE_COLUMNS, same_positions


def nights_before(entries: Sequence[Entry], time: datetime) -> tuple[NightEntry, ...]:
    """Return the nights before a time that came to a model and a decision, promoted or not, the newest last."""
    until = int(time.timestamp())  # a cut is a whole second
    ended = last_nights(entries).values()
    return tuple(night for night in ended if night.completed and int(night.as_of.timestamp()) < until)


def why_left_out(night: NightEntry, entries: Sequence[Entry], retracted: Mapping[str, str]) -> str | None:
    """Return why a night's model is not to be read again; `retracted` tells of each snapshot that was, by its tag."""
    if (taken := model_collection(entries, night.run_name)) is not None:
        return f"its model was {collected_in_words(taken)}"
    told = retracted.get(night.snapshot_tag or "")
    return None if told is None else f"its snapshot was {told}"


def earlier_model(night: NightEntry, tables: GraphTables, columns: str | None, doors: Doors) -> LinkModel:
    """Return the model that a night trained, with the graph that it would have served; nothing of it stays on the disk.

    Raises:
        InvalidInput: MLflow has no such model any more, or its bytes differ from their digests.
        InvalidGraph: it cannot be read, or its nodes or features are others than tonight's.
    """
    runs = doors.registry.runs
    run_id = runs.find(night.graph, night.run_name)
    trained = None if run_id is None else runs.get_record(run_id, TrainedModel)
    if run_id is None or trained is None:
        raise InvalidInput(
            f"MLflow has no trained model of run {night.run_name}. Restore it from a backup to compare with it."
        )
    if (its_own := runs.param(run_id, FEATURE_COLUMNS)) != columns:
        raise InvalidGraph(f"The model reads the features {its_own}, tonight's are {columns}. They are not compared.")
    with TemporaryDirectory() as scratch:
        model = LinkModel.load(runs.fetch_folder(run_id, MODEL_FOLDER, Path(scratch) / "model", trained.files))
    if not same_positions(model, tables):
        raise InvalidGraph("Its node ids are not the first of tonight's, so its positions mean other nodes.")
    return model
