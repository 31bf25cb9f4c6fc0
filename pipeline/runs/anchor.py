"""The anchor: the champion of earlier nights that `mode: non_inferiority` may lose no more than one margin against."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.doors import Doors
from pipeline.errors import InvalidInput, TamperedRecord
from pipeline.graphs.tables import GraphTables
from pipeline.records.chain import TrainedModel
from pipeline.records.evaluation import EvaluationRecord
from pipeline.runs.folder import RunFolder
from pipeline.runs.incumbent import Incumbent, compared_version


@dataclass(frozen=True, eq=False)
class Anchor:
    """The anchor as a night finds it; `incumbent` is None where the registry has the version no more: `note` says so.

    Where the champion is its own anchor, `incumbent` is the champion's.
    """

    version: int
    incumbent: Incumbent | None
    note: str = ""


def anchor_of(
    champion: Incumbent, folder: RunFolder, trained: TrainedModel, tables: GraphTables, doors: Doors
) -> Anchor:
    """Return the champion itself where its own night showed it to be better than the anchor then, else that anchor.

    It is itself, too, where its night had no anchor: as the first model, and one of another mode.
    """
    before = doors.registry.runs.get_record(champion.version.run_id, EvaluationRecord)
    if before is None or before.anchor is None or before.anchor.surpassed:
        return Anchor(champion.version.version, champion)
    number = before.anchor.version
    if number == champion.version.version:
        return Anchor(number, champion)
    try:
        version = doors.registry.versions.get(folder.graph, number)
    except TamperedRecord:
        raise
    except InvalidInput as error:
        return Anchor(number, None, str(error))
    return Anchor(number, compared_version(version, folder, trained, tables, doors, who="the anchor"))
