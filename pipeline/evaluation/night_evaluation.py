"""One night's evaluation: every model and all of the floor on the same fresh pairs, and what each of them had seen."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.edge_history import EdgeHistory
from ncnc_core.splits.leak_invariants import Invariant
from ncnc_core.training.data import TemporalData
from pipeline.doors import Doors
from pipeline.evaluation.aged_scores import Tonight, nodes_by
from pipeline.evaluation.certificate import positions_keep_their_ids, unseen_by_champion, unseen_by_source
from pipeline.evaluation.compared_models import ComparedModels, bound_scorers, compared_models
from pipeline.evaluation.comparison import Comparison, FreshPairs, against_control, compare, fresh_pairs
from pipeline.evaluation.cost import CostMeter
from pipeline.evaluation.feature_importance import feature_importance
from pipeline.evaluation.floor import night_floor
from pipeline.evaluation.scored_input import GraphScorer, same_input
from pipeline.evaluation.sensitivity import sensitivity
from pipeline.evaluation.slices import Slice, slice_scores, slices_of
from pipeline.evaluation.staleness import staleness
from pipeline.evaluation.warm_and_cold import unknown_nodes, warm_and_cold
from pipeline.graphs.tables import GraphTables
from pipeline.params.params import EvaluateParams
from pipeline.records.chain import EdgeSplit, GraphSnapshot, TrainedModel
from pipeline.records.evaluation import (
    EvaluationRecord,
    FeatureImportance,
    SensitivityResult,
    SliceScores,
    Staleness,
    WarmAndCold,
)
from pipeline.runs.data import snapshot_tables, split_arrays
from pipeline.runs.folder import RunFolder
from pipeline.runs.incumbent import FEATURE_COLUMNS
from pipeline.splits.arrays import SplitArrays
from pipeline.splits.certificate import as_records, edge_history, split_certificate
from pipeline.splits.event_times import temporal_data, testing_graph
from pipeline.splits.known_features import features_as_known, features_for


@dataclass(frozen=True, eq=False)
class TrainedNight:
    """What a run has left by the time its model is trained."""

    folder: RunFolder
    snapshot: GraphSnapshot
    split: EdgeSplit
    trained: TrainedModel
    tables: GraphTables
    arrays: SplitArrays

    @classmethod
    def read(cls, folder: RunFolder, doors: Doors) -> TrainedNight:
        """Read the records, the graph and the split, each verified by its digests."""
        records = folder.get(GraphSnapshot), folder.get(EdgeSplit), folder.get(TrainedModel)
        return cls(folder, *records, snapshot_tables(folder, doors), split_arrays(folder, doors))

    @cached_property
    def graph(self) -> Adjacency:
        """The message graph of the split's test side; the graph that a model carries to serve on plays no part."""
        return testing_graph(self.tables, self.arrays, self.split)

    @cached_property
    def history(self) -> EdgeHistory:
        """Every edge that a snapshot ever held."""
        return edge_history(self.tables)

    @cached_property
    def times(self) -> TemporalData | None:
        """What happened up to the end of the validation window, where time divides the edges."""
        return temporal_data(self.tables, self.split)

    @property
    def window(self) -> float | None:
        """How many new edges the validation window had, in which ages are told; None where times divide no edges."""
        if self.times is None or self.graph.times is None:
            return None
        return float(self.times.window)

    @cached_property
    def features(self) -> Tensor | None:
        """The node features that were known at the cut before the test edges."""
        return features_for(self.tables, self.split, "testing")

    @property
    def unknown(self) -> Tensor | None:
        """The nodes that no model can tell apart; None where they have features."""
        return None if self.features is not None else unknown_nodes(self.graph, self.history, self.split.cut_valid)


def evaluate_night(night: TrainedNight, params: EvaluateParams, doors: Doors) -> EvaluationRecord:
    """Score every model on the test edges that none of them has seen, all on the same message graph."""
    started, meter = time.perf_counter(), CostMeter()
    models = compared_models(night.folder, night.trained, night.tables, doors)
    pairs = fresh_pairs(night.arrays, models.seen_until)
    floor = night_floor(night.graph, night.times, meter)
    scorers = bound_scorers(models.by_name, floor.scores, night.graph, night.features)
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
        parts = _slices(night, pairs)
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


def _slices(night: TrainedNight, pairs: FreshPairs) -> tuple[Slice, ...]:
    return slices_of(
        pairs.positives,
        pairs.first_seen,
        night.graph,
        night.history,
        cut_train=night.split.cut_train,
        cut_valid=night.split.cut_valid,
        previous_as_of=night.snapshot.previous_as_of,
        window=night.window,
    )


def _certificate(
    night: TrainedNight, models: ComparedModels, pairs: FreshPairs, outcome: Comparison, doors: Doors
) -> tuple[Invariant, ...]:
    """Return every invariant of the split as it was used, and of what each model was given and had seen."""
    split, tables, champion = night.split, night.tables, models.champion
    as_of, cuts = night.snapshot.as_of, {"cut_train": split.cut_train, "cut_valid": split.cut_valid}
    until, seen = (champion.as_of, champion.seen(night.folder, doors)) if champion else (None, ())
    return (
        *split_certificate(night.arrays, night.history, as_of=as_of, **cuts, kinds=split.negative_kinds),
        *features_as_known("testing", night.features, tables, split, as_of),
        positions_keep_their_ids([model.node_ids for model in models.by_name.values()], tables),
        unseen_by_champion(pairs, night.history, until, seen),
        *unseen_by_source(pairs, night.history, models.warm_start, tables, night.folder, doors),
        same_input(outcome.given, "challenger"),
    )
