"""Score challenger, champion and heuristics on the same fresh pairs."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import datetime

from torch import Tensor

from ncnc_core.evaluation.heuristics import HEURISTICS, Heuristic
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.edge_history import EdgeHistory
from ncnc_core.link_model import LinkModel
from pipeline.doors import Doors
from pipeline.evaluation.certificate import positions_keep_their_ids, unseen_by_champion, unseen_by_source
from pipeline.evaluation.comparison import Comparison, FreshPairs, compare, drift, fresh_pairs
from pipeline.evaluation.cost import CostMeter
from pipeline.evaluation.scored_input import GraphScore, GraphScorer, same_input
from pipeline.evaluation.sensitivity import sensitivity
from pipeline.evaluation.slices import slice_scores, slices_of
from pipeline.params.params import Params
from pipeline.records.chain import EdgeSplit, GraphSnapshot, TrainedModel
from pipeline.records.evaluation import EvaluationRecord, ModelScores, SliceScores
from pipeline.records.measures import figures
from pipeline.runs import compute
from pipeline.runs.data import control_folder, model_folder, snapshot_tables, split_arrays
from pipeline.runs.folder import RunFolder
from pipeline.runs.incumbent import Incumbent, incumbent
from pipeline.splits.certificate import as_records, edge_history, split_certificate
from pipeline.splits.known_features import features_as_known, features_for

logger = logging.getLogger(__name__)


def run(folder: RunFolder, params: Params, *, doors: Doors) -> EvaluationRecord:
    """Score every model on the test edges that none of them has seen, and leave the evaluation.

    The message graph is the one of the split's test side, the same for all; the graph a model carries to serve on
    plays no part.
    """
    if (done := folder.find(EvaluationRecord)) is not None:
        return done
    snapshot, split, trained = folder.get(GraphSnapshot), folder.get(EdgeSplit), folder.get(TrainedModel)
    tables, arrays = snapshot_tables(folder, doors), split_arrays(folder, doors)
    compute.use(params.resources)
    started, meter = time.perf_counter(), CostMeter()
    champion = incumbent(folder, trained, tables, doors)
    pairs = fresh_pairs(arrays, seen_until(champion, trained))
    features = features_for(tables, split, "testing")
    models = {"challenger": LinkModel.load(model_folder(folder, doors, trained))}
    if champion is not None and champion.model is not None:
        models["champion"] = champion.model
    if (control := control_folder(folder, doors, trained)) is not None:
        models["cold_control"] = LinkModel.load(control)
    graph, history = arrays.testing_graph(tables.num_nodes), edge_history(tables)
    scorers = bound_scorers(models, graph, features)
    calibrations = {name: model.calibration for name, model in models.items() if model.calibration is not None}
    outcome = compare(pairs, scorers, params.evaluate, calibrations=calibrations, meter=meter)
    with meter.part("slices", pairs.positives.shape[1]):
        slices = _slices(pairs, outcome, graph, history, snapshot, split, params)
    sensitive = sensitivity(pairs, _shaken(scorers, outcome), outcome.scored, params.evaluate, meter=meter)
    checked = (
        *split_certificate(arrays, history, as_of=snapshot.as_of, cut_train=split.cut_train, cut_valid=split.cut_valid),
        *features_as_known("testing", features, tables, split, snapshot.as_of),
        positions_keep_their_ids([model.node_ids for model in models.values()], tables),
        unseen_by_champion(
            pairs, history, champion.as_of if champion else None, champion.seen(folder, doors) if champion else ()
        ),
        *unseen_by_source(pairs, history, trained.warm_start, tables, folder, doors),
        same_input(outcome.given, "challenger"),
    )
    evaluation = EvaluationRecord(
        trained_model_sha256=trained.sha256,
        num_test_edges=pairs.num_fresh,
        num_seen_by_champion=pairs.num_seen,
        num_negatives=pairs.negatives.shape[1],
        challenger=outcome.scores["challenger"],
        # A champion that cannot be compared is still the champion: without metrics, and the difference is None.
        champion=as_champion(outcome.scores.get("champion"), champion.version.version) if champion else None,
        champion_note="; ".join(note for note in (champion_note(champion), pairs.note) if note),
        floor=tuple(outcome.scores[name] for name in HEURISTICS),
        paired_metric="mrr",
        paired=outcome.paired,
        cold_control=outcome.scores.get("cold_control"),
        drift=drift(outcome, pairs.positives, params.evaluate),
        slices=slices,
        sensitivity=sensitive,
        certificate=(*as_records(checked), *trained.certificate),
        snapshot_checks=snapshot.checks,
        seconds=round(time.perf_counter() - started, 3),
        costs=meter.costs,
    )
    if evaluation.drift is not None:
        drifted = (evaluation.drift.value, evaluation.drift.low, evaluation.drift.high)
        logger.info("drift by warm starts, challenger less cold control in mrr: %+.4f [%+.4f, %+.4f]", *drifted)
    doors.registry.runs.log_metrics(trained.mlflow_run_id, figures(evaluation))
    folder.put(evaluation)
    return evaluation


def seen_until(champion: Incumbent | None, trained: TrainedModel) -> datetime | None:
    """Return the time up to which one of the models compared has seen every edge, None where none has seen any.

    A challenger that began with a version's weights has seen what that version has: mostly the champion itself, but a
    rollback may have come between training and now.
    """
    source = trained.warm_start
    times = [*([champion.as_of] if champion else []), *([source.as_of] if source else [])]
    return max(times, default=None)


def champion_note(champion: Incumbent | None) -> str:
    """Return what a reader of the champion's figures has to know: why there are none, or why some are absent."""
    if champion is None:
        return ""
    if champion.model is not None and champion.model.calibration is None:
        return "the champion was saved without a calibration, so it states no probability: it has no brier and ece"
    return champion.reason


def as_champion(scores: ModelScores | None, version: int) -> ModelScores:
    """Return the champion's scores under its version; without metrics where it could not be compared."""
    if scores is None:
        return ModelScores(name="champion", version=version, metrics={})
    return scores.model_copy(update={"version": version})


def bound_scorers(models: Mapping[str, LinkModel], graph: Adjacency, features: Tensor | None) -> dict[str, GraphScorer]:
    """Bind every model, and the heuristics as the floor, to one message graph and one set of features."""

    def of_model(model: LinkModel) -> GraphScore:
        return lambda pairs, graph, features: model.score_pairs(pairs, adjacency=graph, features=features)

    def of_heuristic(heuristic: Heuristic) -> GraphScore:
        return lambda pairs, graph, _: heuristic(graph, pairs)

    scores = {name: of_model(model) for name, model in models.items()}
    scores |= {name: of_heuristic(heuristic) for name, heuristic in HEURISTICS.items()}
    return {name: GraphScorer(score, graph, features) for name, score in scores.items()}


def _slices(
    pairs: FreshPairs,
    outcome: Comparison,
    graph: Adjacency,
    history: EdgeHistory,
    snapshot: GraphSnapshot,
    split: EdgeSplit,
    params: Params,
) -> tuple[SliceScores, ...]:
    parts = slices_of(
        pairs.positives,
        pairs.first_seen,
        graph,
        history,
        cut_train=split.cut_train,
        cut_valid=split.cut_valid,
        previous_as_of=snapshot.previous_as_of,
    )
    champion = outcome.scored["champion"].ranks if "champion" in outcome.scored else None
    return slice_scores(parts, outcome.scored["challenger"].ranks, champion, pairs.positives, params.evaluate)


def _shaken(scorers: Mapping[str, GraphScorer], outcome: Comparison) -> dict[str, GraphScorer]:
    """Return the models and the best heuristic: what is scored on changed graphs."""
    best = max(HEURISTICS, key=lambda name: outcome.scores[name].metrics["mrr"].value)
    return {name: scorers[name] for name in ("challenger", "champion", best) if name in scorers}
