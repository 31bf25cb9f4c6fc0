"""How the champion fared over the last nights: each night's outcome, scores and drift, from the ledger and MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from pipeline.doors import Doors
from pipeline.errors import NewerFormat, TamperedRecord
from pipeline.graphs.drift_measures import DRIFT_MEASURES
from pipeline.ledger.entries import NightEntry
from pipeline.ledger.night import last_nights
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.scores import Interval

SHOWN_NIGHTS = 30  # each costs a few calls to MLflow


@dataclass(frozen=True)
class TrendNight:
    """One night of the past: what came of it, what the models reached, and how far the graph had moved."""

    run_name: str
    as_of: datetime
    outcome: str
    version: int | None
    challenger: Interval | None = None
    champion: Interval | None = None
    champion_version: int | None = None
    floor: Interval | None = None
    test_edges: int | None = None
    drift: Mapping[str, float] = field(default_factory=dict)


def read_trend(doors: Doors, graph: str, until: datetime) -> tuple[TrendNight, ...]:
    """Return the last nights up to a time, oldest first.

    A night whose evaluation cannot be read has no scores. Each night that was evaluated costs a few
    calls to MLflow.
    """
    shown = [item for item in last_nights(doors.ledger.entries(graph)).values() if item.as_of <= until]
    return tuple(_read_night(doors, item) for item in shown[-SHOWN_NIGHTS:])


def _read_night(doors: Doors, entry: NightEntry) -> TrendNight:
    run_id = doors.registry.runs.find(entry.graph, entry.run_name)
    if run_id is None:
        return TrendNight(entry.run_name, entry.as_of, entry.outcome, entry.version)
    try:
        evaluation = doors.registry.runs.get_record(run_id, EvaluationRecord)
    except (TamperedRecord, NewerFormat):
        evaluation = None
    return trend_night(entry, evaluation, doors.registry.runs.metrics(run_id))


def with_drift(nights: tuple[TrendNight, ...], run_name: str, metrics: Mapping[str, float]) -> tuple[TrendNight, ...]:
    """Return the nights with the drift of one filled in: a refused night has no MLflow run that logged it."""
    drift = drift_of(metrics)
    return tuple(replace(night, drift=drift) if night.run_name == run_name and drift else night for night in nights)


def drift_of(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the measures of drift by their names, from metrics under MLflow's names."""
    return {measure.name: metrics[measure.metric] for measure in DRIFT_MEASURES if measure.metric in metrics}


def trend_night(entry: NightEntry, evaluation: EvaluationRecord | None, metrics: Mapping[str, float]) -> TrendNight:
    """Return a night from its ledger entry, its evaluation and the run's metrics."""
    drift = drift_of(metrics)
    if evaluation is None:
        return TrendNight(entry.run_name, entry.as_of, entry.outcome, entry.version, drift=drift)
    metric = evaluation.paired_metric
    best = evaluation.best_of_floor
    return TrendNight(
        run_name=entry.run_name,
        as_of=entry.as_of,
        outcome=entry.outcome,
        version=entry.version,
        challenger=evaluation.challenger.metrics.get(metric),
        champion=evaluation.champion.metrics.get(metric) if evaluation.champion else None,
        champion_version=evaluation.champion.version if evaluation.champion else None,
        floor=best.metrics[metric] if best else None,
        test_edges=evaluation.num_test_edges,
        drift=drift,
    )
