"""A night's figures as the small files that DVC compares: one JSON of metrics, and tables to plot."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ncnc_core.whole_file import write_whole
from pipeline.records.chain import PromotionDecision, TrainedModel
from pipeline.records.evaluation import EvaluationRecord, Staleness, WarmAndCold
from pipeline.records.record import Record
from pipeline.records.scores import Interval

METRICS_FILE = "metrics.json"
PLOTS_FOLDER = "plots"
TRAINING, SCORES, SLICES, RELIABILITY = "training.csv", "scores.csv", "slices.csv", "reliability.csv"
APART = ("mrr", "hits@10")  # of warm and cold edges; the record has the others
Row = Sequence[object]


def metrics_of(evaluation: EvaluationRecord, decision: PromotionDecision | None = None) -> dict[str, float]:
    """Return every scorer's metrics, the paired difference and the verdict, flat, under dotted names."""
    flat: dict[str, float] = {"test_edges": evaluation.num_test_edges}
    for scores in evaluation.scorers:
        flat |= {f"{scores.name}.{name}": item.value for name, item in scores.metrics.items()}
    if evaluation.paired is not None:
        difference = evaluation.paired.difference
        flat |= {"difference.value": difference.value, "difference.low": difference.low}
        flat |= {"difference.high": difference.high, "difference.p_value": evaluation.paired.p_value}
    if decision is not None:
        flat["promote"] = int(decision.promote)
    return flat


def measures(*records: Record | None) -> dict[str, str]:
    """Return the files that a night's records make, text by path; a record that is not there makes none."""
    by_kind = {type(record): record for record in records}
    files: dict[str, str] = {}
    trained, evaluation = by_kind.get(TrainedModel), by_kind.get(EvaluationRecord)
    decision = by_kind.get(PromotionDecision)
    if isinstance(trained, TrainedModel):
        rows = [(item.epoch, item.loss, _or_empty(item.value)) for item in trained.history]
        files[f"{PLOTS_FOLDER}/{TRAINING}"] = _csv(("epoch", "loss", "value"), rows)
    if isinstance(evaluation, EvaluationRecord):
        gate = decision if isinstance(decision, PromotionDecision) else None
        files[METRICS_FILE] = json.dumps(metrics_of(evaluation, gate), indent=2, sort_keys=True) + "\n"
        files |= _plots(evaluation)
    return files


def write_measures(folder: Path, *records: Record | None) -> None:
    """Write what the records make into a folder."""
    for name, text in measures(*records).items():
        write_whole(folder / name, text)


def plot_definitions(prefix: str = "") -> list[dict[str, Mapping[str, object]]]:
    """Return the plots as dvc.yaml declares them, over files below a prefix."""
    plots = f"{prefix}{PLOTS_FOLDER}"
    return [
        {"loss": {"x": "epoch", "y": {f"{plots}/{TRAINING}": "loss"}, "title": "Loss by epoch"}},
        {"validation": {"x": "epoch", "y": {f"{plots}/{TRAINING}": "value"}, "title": "Validation metric by epoch"}},
        {"scores": {"x": "value", "y": {f"{plots}/{SCORES}": "scorer"}, "template": "bar_horizontal",
                    "title": "The paired metric by scorer"}},
        {"slices": {"x": "challenger", "y": {f"{plots}/{SLICES}": "slice"}, "template": "bar_horizontal",
                    "title": "The challenger by slice"}},
        {"reliability": {"x": "stated", "y": {f"{plots}/{RELIABILITY}": "observed"}, "template": "scatter",
                         "title": "Reliability of the challenger"}},
    ]  # fmt: skip


def _plots(evaluation: EvaluationRecord) -> dict[str, str]:
    metric = evaluation.paired_metric
    scores = [(item.name, *_bounds(item.metrics, metric)) for item in evaluation.scorers if metric in item.metrics]
    slices = [
        (item.key, item.num_edges, *(side.value if side else "" for side in (item.challenger, item.champion)))
        for item in evaluation.slices
    ]
    reliability = [
        (item.stated, item.observed, item.weight) for item in evaluation.challenger.reliability if item.weight
    ]
    return {
        f"{PLOTS_FOLDER}/{SCORES}": _csv(("scorer", "value", "low", "high"), scores),
        f"{PLOTS_FOLDER}/{SLICES}": _csv(("slice", "edges", "challenger", "champion"), slices),
        f"{PLOTS_FOLDER}/{RELIABILITY}": _csv(("stated", "observed", "weight"), reliability),
    }


def _bounds(metrics: Mapping[str, Interval], metric: str) -> tuple[float, float, float]:
    item = metrics[metric]
    return item.value, item.low, item.high


def _or_empty(value: float | None) -> object:
    return "" if value is None else value


def _csv(header: Row, rows: Iterable[Row]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue()


def figures(evaluation: EvaluationRecord) -> dict[str, float]:
    """Return every figure of an evaluation under a name of its own, intervals with their bounds."""
    logged: dict[str, float] = {"test_edges": evaluation.num_test_edges, "evaluation_seconds": evaluation.seconds}
    for name, interval in _intervals(evaluation):
        logged |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    if evaluation.paired is not None:
        logged["paired_p_value"] = evaluation.paired.p_value
    if evaluation.warm_and_cold is not None:
        logged |= _apart(evaluation.warm_and_cold)
    for part in evaluation.slices:
        logged[f"slice_{part.kind}_{part.name}_edges"] = part.num_edges
    for result in evaluation.sensitivity:
        logged[f"sensitivity_{result.scorer}_{result.change}_{result.share:g}_rank_correlation"] = (
            result.rank_correlation
        )
    return logged | {f"cost_{cost.part.replace(' ', '_')}_seconds": cost.seconds for cost in evaluation.costs}


def _apart(edges: WarmAndCold) -> dict[str, float]:
    logged = {"negatives_without_edge": edges.negatives_without_edge}
    if edges.cold_attainable_mrr is not None:
        logged["cold_attainable_mrr"] = edges.cold_attainable_mrr
    for side, part in (("warm", edges.warm), ("cold", edges.cold)):
        if part is not None:
            logged[f"{side}_edges"] = part.num_edges
            for scorer, scores in part.scores.items():
                shown = [name for name in APART if name in scores.metrics]
                logged |= {f"{side}_{scorer}_{name}": scores.metrics[name].value for name in shown}
    return {name.replace("@", "_at_"): value for name, value in logged.items()}


def _intervals(evaluation: EvaluationRecord) -> Iterator[tuple[str, Interval]]:
    for scores in evaluation.scorers:
        for metric, interval in scores.metrics.items():
            yield f"{scores.name}_{metric.replace('@', '_at_')}", interval
    yield from _differences(evaluation)
    yield from _of_ages(evaluation.staleness)
    for part in evaluation.slices:
        for who in ("challenger", "champion", "difference"):
            if (interval := getattr(part, who)) is not None:
                yield f"slice_{part.kind}_{part.name}_{who}_{part.metric}", interval
    for result in evaluation.sensitivity:
        yield f"sensitivity_{result.scorer}_{result.change}_{result.share:g}_{result.metric}", result.value


def _differences(evaluation: EvaluationRecord) -> Iterator[tuple[str, Interval]]:
    if evaluation.paired is not None:
        yield "paired_difference", evaluation.paired.difference
    if evaluation.anchor is not None and evaluation.anchor.paired is not None:
        yield "over_anchor", evaluation.anchor.paired.difference
    for name, comparison in (evaluation.over_floor or {}).items():
        yield f"over_{name}", comparison.difference
    if evaluation.drift is not None:
        yield "drift", evaluation.drift


def _of_ages(found: Staleness | None) -> Iterator[tuple[str, Interval]]:
    if found is None:
        return
    for kind, curve in (("model", found.models), ("graph", found.graphs)):
        for one in curve:
            if one.loss is not None:
                yield f"staleness_{kind}_{one.nights}_{found.metric}", one.value
                yield f"staleness_{kind}_{one.nights}_loss", one.loss
