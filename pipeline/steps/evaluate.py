"""Score challenger, champion and heuristics on the same fresh pairs."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import torch

from ncnc_core.adjacency import contains_keys, pair_keys
from ncnc_core.errors import InvalidGraph
from ncnc_core.heuristics import HEURISTICS
from ncnc_core.link_model import LinkModel
from pipeline import compute
from pipeline.comparison import FreshPairs, Scorer, compare, fresh_pairs
from pipeline.doors import Doors
from pipeline.graph_tables import GraphTables
from pipeline.model_registry import ModelVersion
from pipeline.params import Params
from pipeline.records import (
    EdgeSplit,
    EvaluationReport,
    GraphSnapshot,
    LeakInvariant,
    ModelScores,
    TrainedModel,
)
from pipeline.run_data import feature_tensor, model_folder, snapshot_tables, split_arrays
from pipeline.run_folder import RunFolder

CHAMPION_FOLDER = "champion"
FEATURE_COLUMNS = "snapshot.feature_columns"


def run(folder: RunFolder, params: Params, *, doors: Doors) -> EvaluationReport:
    """Score every model on the test edges that none of them has seen, and leave the report.

    The message graph is the one of the split's test side, the same for all; the graph a model carries to serve on
    plays no part.
    """
    if (done := folder.find(EvaluationReport)) is not None:
        return done
    snapshot, split, trained = folder.get(GraphSnapshot), folder.get(EdgeSplit), folder.get(TrainedModel)
    tables, arrays = snapshot_tables(folder, doors), split_arrays(folder, doors)
    compute.use(params.resources)
    started = time.perf_counter()
    challenger = LinkModel.load(model_folder(folder, doors))
    incumbent = doors.registry.champion(snapshot.graph)
    pairs = fresh_pairs(arrays, incumbent.as_of if incumbent else None)
    note = pairs.note
    graph, features = arrays.testing_graph(tables.num_nodes), feature_tensor(tables)
    scorers: dict[str, Scorer] = {"challenger": partial(challenger.score_pairs, adjacency=graph, features=features)}
    if incumbent is not None:
        with folder.staging(CHAMPION_FOLDER) as staged:
            champion = readable(doors.registry.fetch_model(incumbent, staged))
        columns = [doors.registry.param(run, FEATURE_COLUMNS) for run in (incumbent.run_id, trained.mlflow_run_id)]
        reason = champion if isinstance(champion, str) else why_not_comparable(champion, tables, *columns)
        if isinstance(champion, LinkModel) and reason is None:
            scorers["champion"] = partial(champion.score_pairs, adjacency=graph, features=features)
        note = reason or note
    scorers |= {name: partial(heuristic, graph) for name, heuristic in HEURISTICS.items()}
    outcome = compare(pairs, scorers, params.evaluate)
    report = EvaluationReport(
        trained_model_sha256=trained.sha256,
        num_test_edges=pairs.num_fresh,
        num_seen_by_champion=pairs.num_seen,
        num_negatives=pairs.negatives.shape[1],
        challenger=outcome.scores["challenger"],
        # A champion that cannot be compared is still the champion: without metrics, and the difference is None.
        champion=_as_champion(outcome.scores.get("champion"), incumbent.version) if incumbent else None,
        champion_note=note,
        floor=tuple(outcome.scores[name] for name in HEURISTICS),
        paired_metric="mrr",
        paired_difference=outcome.difference,
        certificate=(*split.certificate, _seen_by_champion(pairs, tables, incumbent)),
        snapshot_checks=snapshot.checks,
        seconds=round(time.perf_counter() - started, 3),
    )
    doors.registry.log_metrics(trained.mlflow_run_id, figures(report))
    folder.put(report)
    return report


def readable(model: Path) -> LinkModel | str:
    """Return a champion, or why it cannot be read: after an upgrade it may be in an older version's format."""
    try:
        return LinkModel.load(model)
    except InvalidGraph as error:
        return f"the champion cannot be read: {error}"


def why_not_comparable(
    champion: LinkModel, tables: GraphTables, its_columns: str | None = None, columns: str | None = None
) -> str | None:
    """Return why a champion cannot score tonight's pairs, or None where it can.

    Positions are append-only, so the champion's ids must be the first of tonight's.
    """
    if list(champion.node_ids) != tables.node_ids[: champion.num_nodes].tolist():
        return "the champion's node ids are not the first of tonight's, so its positions mean other nodes"
    own = 0 if champion.features is None else champion.features.shape[1]
    tonight = 0 if tables.features is None else tables.features.shape[1]
    if own != tonight:
        return f"the champion takes {own} node features, tonight's graph has {tonight}"
    if its_columns != columns:
        return f"the champion's features are {its_columns}, tonight's are {columns}"
    return None


def figures(report: EvaluationReport) -> dict[str, float]:
    """Return what MLflow plots over the nights: every scorer's metrics with their bounds."""
    logged: dict[str, float] = {"test_edges": report.num_test_edges}
    for scores in (report.challenger, *([report.champion] if report.champion else []), *report.floor):
        for metric, interval in scores.metrics.items():
            name = f"{scores.name}_{metric.replace('@', '_at_')}"
            logged |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    if report.paired_difference is not None:
        difference = report.paired_difference
        logged |= {
            "paired_difference": difference.value,
            "paired_difference_low": difference.low,
            "paired_difference_high": difference.high,
        }
    return logged


def _as_champion(scores: ModelScores | None, version: int) -> ModelScores:
    return ModelScores(name="champion", version=version, metrics=scores.metrics if scores else {})


def _seen_by_champion(pairs: FreshPairs, tables: GraphTables, champion: ModelVersion | None) -> LeakInvariant:
    """Look the fresh edges up in the graph again: none may be one that the champion's snapshot held."""
    known = torch.tensor(tables.edges)
    until = -1 if champion is None else int(champion.as_of.timestamp())
    held = pair_keys(known[:, torch.tensor(tables.first_seen) <= until], tables.num_nodes).sort().values
    seen = contains_keys(held, pair_keys(pairs.positives[:, : pairs.num_fresh], tables.num_nodes))
    return LeakInvariant(name="fresh_edges_not_seen_by_champion", checked=pairs.num_fresh, violations=int(seen.sum()))
