"""The shadow beside the champion: the model of an earlier night on tonight's test edges that neither has seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from torch import Tensor

from ncnc_core.evaluation.score_calibration import ScoreCalibration
from ncnc_core.link_model import LinkModel
from ncnc_core.splits.leak_invariants import Invariant
from pipeline.doors import Doors
from pipeline.errors import InvalidInput
from pipeline.evaluation.certificate import positions_keep_their_ids, unseen_by_champion
from pipeline.evaluation.comparison import Comparison, FreshPairs, sampled
from pipeline.evaluation.slices import slice_scores
from pipeline.evaluation.trained_night import TrainedNight
from pipeline.ledger.shadows import Place
from pipeline.params.params import EvaluateParams
from pipeline.records.chain import GraphSnapshot, TrainedModel
from pipeline.records.evaluation import ShadowPlace, ShadowScores
from pipeline.records.names import RUNS
from pipeline.records.scores import ModelScores, PairedComparison, SliceScores
from pipeline.records.shadow import ShadowState
from pipeline.runs.data import model_folder, split_arrays
from pipeline.runs.folder import RunFolder
from pipeline.runs.incumbent import FEATURE_COLUMNS, readable, why_not_comparable, why_untimed
from pipeline.splits.certificate import as_records

Edges = Literal["all", "warm"]
NAME = "shadow"  # among the scorers of a comparison
WHO = "the shadow"


@dataclass(frozen=True, eq=False)
class Shadow:
    """The shadow as a night finds it; `model` is None where it cannot be scored.

    `note` says why not tonight, and `unusable` why never again. `seen` are pairs [2, p] that it has seen whatever the
    dates say: the graph it carries, and its split.
    """

    state: ShadowState
    nights: int
    model: LinkModel | None = None
    trained: TrainedModel | None = None
    seen: tuple[Tensor, ...] = ()
    note: str = ""
    unusable: str = ""


def found_shadow(place: Place | None, night: TrainedNight, doors: Doors) -> Shadow | None:
    """Return the shadow with its model, fetched by digest into its own run's folder; None where nobody has the place.

    A model that was collected or changed, or does not fit tonight's graph, ends its tenure and not the night.
    """
    if place is None or place.shadow is None:
        return None
    found = Shadow(place.shadow.shadow, place.nights)
    if found.state.as_of >= night.snapshot.as_of:
        return replace(found, note="it was trained after this night, and has seen all of its edges")
    folder = RunFolder(doors.environment.home / RUNS / found.state.run_name, doors.registry)
    try:
        tag, trained = folder.get(GraphSnapshot).tag, folder.get(TrainedModel)
        if (taken_back := doors.snapshots.journal().retracted.get(tag)) is not None:
            return replace(found, unusable=f"it was made from {tag}, which was {taken_back.in_words}")
        model = readable(model_folder(folder, doors, trained), WHO)
        if isinstance(model, str):
            return replace(found, unusable=model)
        its, own = (doors.registry.runs.param(run.mlflow_run_id, FEATURE_COLUMNS) for run in (trained, night.trained))
        if (reason := why_not_comparable(model, night.tables, its, own, who=WHO)) is not None:
            return replace(found, unusable=reason)
        if (reason := why_untimed(model, night.split, WHO)) is not None:
            return replace(found, note=reason)
        arrays = split_arrays(folder, doors)
    except InvalidInput as error:
        return replace(found, unusable=str(error))
    seen = (model.adjacency.edges(), arrays.train, arrays.valid, arrays.test)
    return replace(found, model=model, trained=trained, seen=seen)


@dataclass(frozen=True, eq=False)
class Compared:
    """What a night compared: the pairs that neither challenger nor champion has seen, and all scores on them.

    `floor` are the names of its members, and `edges` those that evidence is of.
    """

    night: TrainedNight
    pairs: FreshPairs
    outcome: Comparison
    params: EvaluateParams
    floor: tuple[str, ...]
    edges: Edges

    def difference(self, one: str, other: str, member: Tensor) -> PairedComparison | None:
        """Return one scorer minus another on some of the positives, a mask [p]; None where there is none."""
        return self.outcome.difference(one, other, member, self.pairs.positives, self.params)

    def first_seen_after(self, time: datetime) -> Tensor:
        """Return which positives came after a time, a mask [p]; none where the champion has seen all of them."""
        return (self.pairs.first_seen > int(time.timestamp())) & (self.pairs.num_fresh > 0)


def by_name(shadow: Shadow | None) -> dict[str, LinkModel]:
    """Return the shadow's model under its name among the scorers, where it can be scored."""
    return {} if shadow is None or shadow.model is None else {NAME: shadow.model}


def shadow_place(place: Place | None, shadow: Shadow | None, compared: Compared) -> ShadowPlace | None:
    """Return the place as the evaluation keeps it, with what the shadow reached; None where no evidence is gathered."""
    if place is None:
        return None
    trained = compared.night.trained
    return ShadowPlace(
        nights_since_the_last_began=place.nights_since_the_last_began,
        last_was_promoted=place.last_was_promoted,
        early_in_the_last_year=place.early_in_the_last_year,
        edges=compared.edges,
        selection_metric=trained.selection_metric,
        best_value=trained.best_value,
        shadow=None if shadow is None else _measured(shadow, compared),
    )


def _measured(shadow: Shadow, compared: Compared) -> ShadowScores:
    """Measure the shadow on the pairs that it has not seen either; and what counts, on those not counted before."""
    found = ShadowScores(before=shadow.state, nights=shadow.nights, note=shadow.note, unusable=shadow.unusable)
    if shadow.model is None or shadow.trained is None:
        return found
    if "champion" not in compared.outcome.scored:
        return found.model_copy(update={"note": "there is no champion that it can be compared with"})
    fresh = compared.first_seen_after(shadow.state.as_of)
    if not fresh.any():
        return found.model_copy(update={"note": "it has seen all the test edges that the champion has not"})
    night, positives = compared.night, compared.pairs.positives
    asked = fresh if compared.edges == "all" else fresh & (night.graph.degree[positives] > 0).all(0)
    counted = asked & compared.first_seen_after(shadow.state.counted_until)
    against = {name: compared.difference(NAME, name, asked) for name in compared.floor}
    scores = _scores(compared, asked, shadow.model.calibration)
    same_metric = shadow.trained.selection_metric == night.trained.selection_metric
    return found.model_copy(
        update={
            "best_value": shadow.trained.best_value if same_metric else None,
            "num_test_edges": int(asked.sum()),
            "scores": scores.get(NAME),
            "floor": tuple(scores[name] for name in compared.floor if name in scores),
            "paired": compared.difference(NAME, "champion", asked),
            "over_floor": {name: difference for name, difference in against.items() if difference is not None},
            "slices": _slices(compared, fresh),
            "counted": compared.difference(NAME, "champion", counted),
            "over_shadow": compared.difference("challenger", NAME, counted),
            "certificate": as_records(_certificate(shadow, shadow.model, compared, fresh)),
        }
    )


def _scores(compared: Compared, asked: Tensor, calibration: ScoreCalibration | None) -> dict[str, ModelScores]:
    """Return the metrics of the shadow and of the floor on some of the positives; nothing where there are none."""
    if not asked.any():
        return {}
    positives, params = compared.pairs.positives, compared.params
    return {
        name: compared.outcome.scores_of(name, asked, positives, params, calibration if name == NAME else None)
        for name in (NAME, *compared.floor)
    }


def _of(pairs: FreshPairs, member: Tensor) -> FreshPairs:
    return replace(sampled(pairs, member.nonzero().flatten()), num_fresh=int(member.sum()))


def _slices(compared: Compared, fresh: Tensor) -> tuple[SliceScores, ...]:
    own = _of(compared.pairs, fresh)
    ranks, beside = (compared.outcome.scored[name].ranks[fresh] for name in (NAME, "champion"))
    return slice_scores(compared.night.slices_of(own), ranks, beside, own.positives, compared.params)


def _certificate(shadow: Shadow, model: LinkModel, compared: Compared, fresh: Tensor) -> tuple[Invariant, ...]:
    """Count that the shadow has seen none of its pairs; that it was given what all were is in the night's own."""
    own, night = _of(compared.pairs, fresh), compared.night
    return (
        positions_keep_their_ids([model.node_ids], night.tables),
        unseen_by_champion(own, night.history, shadow.state.as_of, shadow.seen, NAME),
    )
