"""One night's evaluation: every model and all of the floor on the same fresh pairs, and what each of them had seen."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ncnc_core.splits.leak_invariants import Invariant
from pipeline.doors import Doors
from pipeline.evaluation.aged_scores import Tonight, nodes_by
from pipeline.evaluation.anchor import anchor_scores
from pipeline.evaluation.certificate import positions_keep_their_ids, unseen_by_champion, unseen_by_source
from pipeline.evaluation.compared_models import ComparedModels, bound_scorers, compared_models
from pipeline.evaluation.comparison import Comparison, FreshPairs, against_control, compare, fresh_pairs
from pipeline.evaluation.cost import CostMeter
from pipeline.evaluation.feature_importance import feature_importance
from pipeline.evaluation.floor import night_floor
from pipeline.evaluation.scored_input import GraphScorer, same_input
from pipeline.evaluation.sensitivity import sensitivity
from pipeline.evaluation.shadow import Compared, by_name, found_shadow, shadow_place
from pipeline.evaluation.slices import slice_scores
from pipeline.evaluation.staleness import staleness
from pipeline.evaluation.trained_night import TrainedNight
from pipeline.evaluation.warm_and_cold import warm_and_cold
from pipeline.ledger.shadows import Place
from pipeline.params.params import EvaluateParams, Params
from pipeline.records.evaluation import EvaluationRecord, FeatureImportance, SensitivityResult, Staleness, WarmAndCold
from pipeline.records.scores import SliceScores
from pipeline.runs.incumbent import FEATURE_COLUMNS
from pipeline.splits.certificate import as_records, split_certificate
from pipeline.splits.known_features import features_as_known


def evaluate_night(night: TrainedNight, asked: Params, doors: Doors, *, place: Place | None = None) -> EvaluationRecord:
    """Score every model on the test edges that none has seen, all on the same message graph; the shadow on its own."""
    started, meter, params, edges = time.perf_counter(), CostMeter(), asked.evaluate, asked.decide.edges
    anchored = asked.decide.mode == "non_inferiority"
    models = compared_models(night.folder, night.trained, night.tables, doors, anchored=anchored)
    shadow = found_shadow(place, night, doors)
    pairs = fresh_pairs(night.arrays, models.seen_until)
    floor = night_floor(night.graph, night.times, meter)
    scorers = bound_scorers(models.by_name | by_name(shadow), floor.scores, night.graph, night.features, meter.did)
    outcome = compare(pairs, scorers, params, calibrations=models.calibrations, meter=meter)
    looked = _looked_closer(night, models, pairs, tuple(floor.scores), scorers, outcome, params, meter)
    aged = _aged(night, models, pairs, outcome, params, doors, meter)
    checked = _certificate(night, models, pairs, outcome, doors)
    return EvaluationRecord(
        trained_model_sha256=night.trained.sha256,
        num_test_edges=pairs.num_fresh,
        num_seen_by_champion=pairs.num_seen,
        num_negatives=pairs.negatives.shape[1],
        challenger=outcome.scores["challenger"],
        champion=models.as_champion(outcome.scores.get("champion")),
        champion_note="; ".join(note for note in (models.champion_note, pairs.note) if note),
        floor=tuple(outcome.scores[name] for name in floor.scores),
        paired_metric="mrr",
        paired=outcome.paired,
        over_floor=outcome.over(floor.scores, pairs.positives, params),
        floor_absent=dict(floor.absent),
        cold_control=outcome.scores.get("cold_control"),
        drift=against_control(outcome, pairs.positives, params),
        slices=looked.slices,
        warm_and_cold=looked.warm_and_cold,
        sensitivity=looked.sensitivity,
        feature_importance=looked.feature_importance,
        staleness=aged,
        certificate=(*as_records(checked), *night.trained.certificate),
        snapshot_checks=night.snapshot.checks,
        seconds=round(time.perf_counter() - started, 3),
        shadow_place=shadow_place(place, shadow, Compared(night, pairs, outcome, params, tuple(floor.scores), edges)),
        anchor=anchor_scores(models, pairs, outcome, night.graph, params, edges),
        costs=meter.costs,
    )


@dataclass(frozen=True)
class _CloserLook:
    """Where the models are good and on what that rests; the gate reads the slices, and the rest is to look at."""

    slices: tuple[SliceScores, ...]
    warm_and_cold: WarmAndCold
    sensitivity: tuple[SensitivityResult, ...]
    feature_importance: tuple[FeatureImportance, ...]


def _looked_closer(
    night: TrainedNight,
    models: ComparedModels,
    pairs: FreshPairs,
    floor: tuple[str, ...],
    scorers: Mapping[str, GraphScorer],
    outcome: Comparison,
    params: EvaluateParams,
    meter: CostMeter,
) -> _CloserLook:
    best = _best(floor, outcome)
    with meter.part("slices", pairs.positives.shape[1]):
        parts = night.slices_of(pairs)
        apart = warm_and_cold(
            pairs, parts, outcome, params, models.calibrations, floor=floor, graph=night.graph, unknown=night.unknown
        )
        ranks = {
            name: outcome.scored[name].ranks for name in ("challenger", "champion", best) if name in outcome.scored
        }
        slices = slice_scores(parts, ranks["challenger"], ranks.get("champion"), pairs.positives, params, ranks[best])
    shaken = {name: scorers[name] for name in ("challenger", "champion", best) if name in scorers}
    sensitive = sensitivity(pairs, shaken, outcome.scored, params, meter=meter)
    important = feature_importance(models.challenger, pairs, night.graph, night.features, params, meter=meter)
    return _CloserLook(slices, apart, sensitive, important)


def _aged(
    night: TrainedNight,
    models: ComparedModels,
    pairs: FreshPairs,
    outcome: Comparison,
    params: EvaluateParams,
    doors: Doors,
    meter: CostMeter,
) -> Staleness | None:
    """Measure what age costs; without a cut in time, the message graph is of tonight."""
    champion, cut = models.by_name.get("champion"), night.split.cut_valid
    tonight = Tonight(
        graph=night.folder.graph,
        run_name=night.folder.name,
        as_of=night.snapshot.as_of,
        cut=cut or night.snapshot.as_of,
        known_nodes=nodes_by(night.history, cut) if cut else night.tables.num_nodes,
        tables=night.tables,
        columns=doors.registry.runs.param(night.trained.mlflow_run_id, FEATURE_COLUMNS),
        message=night.graph,
        features=night.features,
        pairs=pairs,
        challenger=outcome.scored["challenger"],
        champion=None if champion is None else (champion, outcome.scored["champion"]),
        no_champion=models.champion.reason if models.champion else "there is no champion yet",
    )
    with meter.part("staleness", pairs.positives.shape[1] + pairs.negatives.shape[1]):
        return staleness(tonight, params, doors)


def _best(floor: Iterable[str], outcome: Comparison) -> str:
    """Return the best of the floor on all test edges."""
    return max(floor, key=lambda name: outcome.scores[name].metrics["mrr"].value)


def _certificate(
    night: TrainedNight, models: ComparedModels, pairs: FreshPairs, outcome: Comparison, doors: Doors
) -> tuple[Invariant, ...]:
    """Return every invariant of the split as it was used, and of what each model was given and had seen."""
    split, tables, champion = night.split, night.tables, models.champion
    as_of, cuts = night.snapshot.as_of, {"cut_train": split.cut_train, "cut_valid": split.cut_valid}
    until, seen = (champion.as_of, champion.seen(night.folder, doors)) if champion else (None, ())
    before = []
    if (anchor := models.beside_champion) is not None:
        pairs_of = anchor.seen(night.folder, doors)
        before.append(unseen_by_champion(pairs, night.history, anchor.as_of, pairs_of, "anchor"))
    return (
        *split_certificate(night.arrays, night.history, as_of=as_of, **cuts, kinds=split.negative_kinds),
        *features_as_known("testing", night.features, tables, split, as_of),
        positions_keep_their_ids([model.node_ids for model in models.by_name.values()], tables),
        unseen_by_champion(pairs, night.history, until, seen),
        *before,
        *unseen_by_source(pairs, night.history, models.warm_start, tables, night.folder, doors),
        same_input(outcome.given, "challenger"),
    )
