"""The models that a night compares: the challenger, the champion, its anchor, and the challenger's cold control."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from torch import Tensor

from ncnc_core.evaluation.score_calibration import ScoreCalibration
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.link_model import LinkModel, Positions
from pipeline.doors import Doors
from pipeline.evaluation.scored_input import GraphScore, GraphScorer
from pipeline.graphs.tables import GraphTables
from pipeline.records.chain import TrainedModel, WarmStart
from pipeline.records.scores import ModelScores
from pipeline.runs.anchor import Anchor, anchor_of
from pipeline.runs.data import control_folder, model_folder
from pipeline.runs.folder import RunFolder
from pipeline.runs.incumbent import Incumbent, incumbent


@dataclass(frozen=True, eq=False)
class ComparedModels:
    """The models of one night; there may be no champion, no control, and no warm start.

    `anchor` is None where none is asked for, and where there is no champion.
    """

    challenger: LinkModel
    champion: Incumbent | None
    control: LinkModel | None
    warm_start: WarmStart | None
    anchor: Anchor | None = None

    @property
    def beside_champion(self) -> Incumbent | None:
        """The anchor's weights where they are other ones than the champion's; None otherwise."""
        found = self.anchor.incumbent if self.anchor is not None else None
        return None if found is self.champion else found

    @property
    def by_name(self) -> dict[str, LinkModel]:
        """Every model that can score tonight's pairs, under its name in the evaluation."""
        models = {"challenger": self.challenger}
        if self.champion is not None and self.champion.model is not None:
            models["champion"] = self.champion.model
        if (anchor := self.beside_champion) is not None and anchor.model is not None:
            models["anchor"] = anchor.model
        if self.control is not None:
            models["cold_control"] = self.control
        return models

    @property
    def calibrations(self) -> dict[str, ScoreCalibration]:
        """The calibration of every model that has one."""
        return {name: model.calibration for name, model in self.by_name.items() if model.calibration is not None}

    @property
    def seen_until(self) -> datetime | None:
        """The time up to which one of the models has seen every edge; None where none has seen any.

        A challenger that began with a version's weights has seen what that version has. That version is usually the
        champion, but a rollback may have come between training and now.
        """
        sources = (self.champion, self.warm_start, self.beside_champion)
        return max((source.as_of for source in sources if source is not None), default=None)

    @property
    def champion_note(self) -> str:
        """Say why the champion has no figures, or why some are missing; empty where there is nothing to say."""
        if self.champion is None:
            return ""
        if self.champion.model is not None and self.champion.model.calibration is None:
            return "the champion was saved without a calibration, so it states no probability: it has no brier and ece"
        return self.champion.reason

    def as_champion(self, scores: ModelScores | None) -> ModelScores | None:
        """Return the champion's scores under its version.

        A champion that cannot be compared is still the champion: it has its version, and no metrics.
        """
        if self.champion is None:
            return None
        version = self.champion.version.version
        if scores is None:
            return ModelScores(name="champion", version=version, metrics={})
        return scores.model_copy(update={"version": version})


def compared_models(
    folder: RunFolder, trained: TrainedModel, tables: GraphTables, doors: Doors, *, anchored: bool = False
) -> ComparedModels:
    """Load the run's models, and the champion as it is now, `anchored` with its anchor."""
    control = control_folder(folder, doors, trained)
    champion = incumbent(folder, trained, tables, doors)
    return ComparedModels(
        challenger=LinkModel.load(model_folder(folder, doors, trained)),
        champion=champion,
        control=None if control is None else LinkModel.load(control),
        warm_start=trained.warm_start,
        anchor=anchor_of(champion, folder, trained, tables, doors) if anchored and champion is not None else None,
    )


def bound_scorers(
    models: Mapping[str, LinkModel],
    floor: Mapping[str, GraphScore],
    graph: Adjacency,
    features: Tensor | None,
    did: Callable[[int], None] | None = None,
) -> dict[str, GraphScorer]:
    """Bind every model, and then the floor, to one message graph and one set of features.

    `did` hears of the pairs that a model has scored, a part after the other.
    """

    def of_model(model: LinkModel) -> GraphScore:
        return lambda pairs, graph, features: model.score_pairs(
            Positions(pairs), adjacency=graph, features=features, did=did
        )

    scores = {name: of_model(model) for name, model in models.items()} | dict(floor)
    return {name: GraphScorer(score, graph, features) for name, score in scores.items()}
