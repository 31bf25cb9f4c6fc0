"""The champion that tonight's challenger is compared with: can it score tonight's pairs, and what has it seen.

It is the version whose weights serve, with the graph of its own night. The graph of a refresh is never scored in a
gate, and nothing of it counts as seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.link_model import LinkModel
from pipeline.doors import Doors
from pipeline.graphs.tables import GraphTables
from pipeline.records.chain import EdgeSplit, TrainedModel
from pipeline.registry.facts import ModelVersion
from pipeline.runs.fetched_versions import version_model, version_split
from pipeline.runs.folder import RunFolder
from pipeline.splits.event_times import has_test_times

FEATURE_COLUMNS = "snapshot.feature_columns"


@dataclass(frozen=True, eq=False)
class Incumbent:
    """The champion, or its anchor; `model` is None where it cannot be compared, and `reason` says why."""

    version: ModelVersion
    model: LinkModel | None
    reason: str

    @property
    def as_of(self) -> datetime:
        """The time of the snapshot it was made from: it has seen every edge up to then."""
        return self.version.as_of

    def seen(self, folder: RunFolder, doors: Doors) -> tuple[Tensor, ...]:
        """Return pairs [2, p] that it has seen whatever the dates say: the graph it carries, and its published split.

        Positions mean the same nodes as tonight's only where the model is comparable. Where it is not, there are none.
        """
        if self.model is None:
            return ()
        carried, arrays = self.model.adjacency.edges(), version_split(folder, self.version, doors)
        return (carried,) if arrays is None else (carried, arrays.train, arrays.valid, arrays.test)


def incumbent(folder: RunFolder, trained: TrainedModel, tables: GraphTables, doors: Doors) -> Incumbent | None:
    """Return the champion's weights, fetched and checked against tonight's graph; None before the first promotion."""
    version = doors.registry.versions.champion_weights(folder.graph)
    return None if version is None else compared_version(version, folder, trained, tables, doors)


def compared_version(
    version: ModelVersion,
    folder: RunFolder,
    trained: TrainedModel,
    tables: GraphTables,
    doors: Doors,
    who: str = "the champion",
) -> Incumbent:
    """Return a version's weights, fetched and checked against tonight's graph."""
    model = readable(version_model(folder, version, doors), who)
    if isinstance(model, str):
        return Incumbent(version, None, model)
    its, own = (doors.registry.runs.param(run, FEATURE_COLUMNS) for run in (version.run_id, trained.mlflow_run_id))
    reason = why_not_comparable(model, tables, its, own, who=who) or why_untimed(model, folder.get(EdgeSplit), who)
    return Incumbent(version, model if reason is None else None, reason or "")


def readable(model: Path, who: str = "the champion") -> LinkModel | str:
    """Return a champion or another earlier model, or why it cannot be read: its format may be one of before."""
    try:
        return LinkModel.load(model)
    except InvalidGraph as error:
        return f"{who} cannot be read: {error}"


def why_not_comparable(
    champion: LinkModel,
    tables: GraphTables,
    its_columns: str | None = None,
    columns: str | None = None,
    *,
    who: str = "the champion",
) -> str | None:
    """Return why a champion, or another earlier model, cannot score tonight's pairs, or None where it can.

    Positions are append-only, so the champion's ids must be the first of tonight's.
    """
    if list(champion.node_ids) != tables.node_ids[: champion.num_nodes].tolist():
        return f"{who}'s node ids are not the first of tonight's, so its positions mean other nodes"
    own = 0 if champion.features is None else champion.features.shape[1]
    tonight = 0 if tables.features is None else tables.features.shape[1]
    if own != tonight:
        return f"{who} takes {own} node features, tonight's graph has {tonight}"
    if its_columns != columns:
        return f"{who}'s features are {its_columns}, tonight's are {columns}"
    return None


def why_untimed(champion: LinkModel, split: EdgeSplit, who: str = "the champion") -> str | None:
    """Return why a split's test graph is nothing that a champion can read, or None: some need times."""
    if champion.config.predictor != "temporal_ncn" or has_test_times(split):
        return None
    return f"{who} reads when edges came, and tonight's {split.method} split has no times to test with"


def same_positions(source: LinkModel, tables: GraphTables) -> bool:
    """Return whether every position of a model's graph means the same node in tonight's."""
    tonight: list[object] = tables.node_ids[: source.num_nodes].tolist()
    return list(source.node_ids) == tonight
