"""The figures of each night that the index of all nights shows, kept in one small file beside it.

They are copies: what came of a night is in the ledger, and its figures are in its records. The file saves reading a
year of records every night, and a row that it lacks is read anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import Field

from pipeline.doors import Doors
from pipeline.errors import NewerFormat, TamperedRecord
from pipeline.records.chain import GraphSnapshot, TrainedModel
from pipeline.records.evaluation import AgedScores, EvaluationRecord
from pipeline.records.part import GraphName, Part
from pipeline.records.record import Record
from pipeline.records.scores import Interval
from pipeline.report.night_story import NightStory
from pipeline.report.trend import drift_of

R = TypeVar("R", bound=Record)
READ_AT_ONCE = 30  # rows that are missing; each costs a few calls to MLflow


class NightFigures(Part):
    """What the index shows of one night beside its ledger entry; what the night did not come to is None.

    `champion` and `floor` are of the night's own test edges, by `metric`; `difference` is challenger minus champion.
    `place` is where the night's page is in MLflow, as `NightPages.place` gives it; empty where it has none.
    `model_losses` and `graph_losses` are what age costs, by the number of nights, as `Staleness` has it.
    """

    run_name: str
    place: str = ""
    metric: str = ""
    champion: Interval | None = None
    champion_version: int | None = None
    challenger: Interval | None = None
    difference: Interval | None = None
    floor: Interval | None = None
    floor_name: str = ""
    test_edges: int | None = None
    nodes: int | None = None
    edges: int | None = None
    added_edges: int | None = None
    removed_edges: int | None = None
    drift: dict[str, float] = Field(default_factory=dict)
    train_seconds: float | None = None
    evaluate_seconds: float | None = None
    model_losses: dict[int, Interval] = Field(default_factory=dict)
    graph_losses: dict[int, Interval] = Field(default_factory=dict)


class KeptFigures(Record):
    """The figures of a graph's nights, by their run names."""

    FORMAT = 3  # 3: model_losses, graph_losses
    file_name = "nights.json"

    graph: GraphName
    nights: tuple[NightFigures, ...] = ()

    @property
    def by_night(self) -> dict[str, NightFigures]:
        """The figures by the name of the night's run."""
        return {night.run_name: night for night in self.nights}

    def having(self, *nights: NightFigures) -> KeptFigures:
        """Return the figures with these put in place of what was there of the same nights."""
        merged = self.by_night | {night.run_name: night for night in nights}
        return self.model_copy(update={"nights": tuple(merged[name] for name in sorted(merged))})


def figures_of(story: NightStory, place: str) -> NightFigures:
    """Return the figures of a night from what was gathered for its page."""
    return _figures(
        story.run_name,
        place,
        snapshot=story.snapshot,
        trained=story.trained,
        evaluation=story.evaluation,
        metrics=story.change.metrics() if story.change else {},
    )


def read_figures(doors: Doors, graph: str, run_name: str) -> NightFigures:
    """Return the figures of an earlier night from MLflow; a record that cannot be read leaves its figures out.

    Raises:
        OutsideTrouble: MLflow gives no answer.
    """
    place, runs = doors.registry.pages.place_of(graph, run_name), doors.registry.runs
    run_id = runs.find(graph, run_name)
    if run_id is None:
        return NightFigures(run_name=run_name, place=place)

    def record(kind: type[R]) -> R | None:
        try:
            return runs.get_record(run_id, kind)
        except (TamperedRecord, NewerFormat):
            return None

    return _figures(
        run_name,
        place,
        snapshot=record(GraphSnapshot),
        trained=record(TrainedModel),
        evaluation=record(EvaluationRecord),
        metrics=runs.metrics(run_id),
    )


def missing(kept: KeptFigures, run_names: Sequence[str]) -> tuple[str, ...]:
    """Return the nights, given in their order, whose figures are not kept: the newest, at most READ_AT_ONCE."""
    known = kept.by_night
    return tuple(name for name in reversed(run_names) if name not in known)[:READ_AT_ONCE]


def _figures(
    run_name: str,
    place: str,
    *,
    snapshot: GraphSnapshot | None,
    trained: TrainedModel | None,
    evaluation: EvaluationRecord | None,
    metrics: Mapping[str, float],
) -> NightFigures:
    found = NightFigures(
        run_name=run_name,
        place=place,
        drift=drift_of(metrics),
        nodes=snapshot.num_nodes if snapshot else _count(metrics, "graph.nodes.tonight"),
        edges=snapshot.num_edges if snapshot else _count(metrics, "graph.edges.tonight"),
        added_edges=snapshot.added_edges if snapshot else _count(metrics, "graph.edges.added"),
        removed_edges=snapshot.removed_edges if snapshot else _count(metrics, "graph.edges.removed"),
        train_seconds=trained.seconds if trained else None,
    )
    return found if evaluation is None else found.model_copy(update=_scores(evaluation))


def _scores(evaluation: EvaluationRecord) -> dict[str, object]:
    metric, champion, best = evaluation.paired_metric, evaluation.champion, evaluation.best_of_floor
    return {
        "metric": metric,
        "champion": champion.metrics.get(metric) if champion else None,
        "champion_version": champion.version if champion else None,
        "challenger": evaluation.challenger.metrics.get(metric),
        "difference": evaluation.paired_difference,
        "floor": best.metrics[metric] if best else None,
        "floor_name": best.name if best else "",
        "test_edges": evaluation.num_test_edges,
        "evaluate_seconds": evaluation.seconds,
        "model_losses": _losses(evaluation.staleness.models if evaluation.staleness else ()),
        "graph_losses": _losses(evaluation.staleness.graphs if evaluation.staleness else ()),
    }


def _losses(curve: Sequence[AgedScores]) -> dict[int, Interval]:
    return {one.nights: one.loss for one in curve if one.loss is not None}


def _count(metrics: Mapping[str, float], name: str) -> int | None:
    return int(metrics[name]) if name in metrics else None
