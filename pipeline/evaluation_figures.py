"""An evaluation as flat figures: what MLflow plots over the nights."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.evaluation_parts import Interval
from pipeline.records import EvaluationReport


def figures(report: EvaluationReport) -> dict[str, float]:
    """Return every figure of a report under a name of its own, intervals with their bounds."""
    logged: dict[str, float] = {"test_edges": report.num_test_edges, "evaluation_seconds": report.seconds}
    for name, interval in _intervals(report):
        logged |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    if report.paired is not None:
        logged["paired_p_value"] = report.paired.p_value
    for part in report.slices:
        logged[f"slice_{part.kind}_{part.name}_edges"] = part.num_edges
    for result in report.sensitivity:
        logged[f"sensitivity_{result.scorer}_{result.change}_{result.share:g}_rank_correlation"] = (
            result.rank_correlation
        )
    return logged | {f"cost_{cost.part.replace(' ', '_')}_seconds": cost.seconds for cost in report.costs}


def _intervals(report: EvaluationReport) -> Iterator[tuple[str, Interval]]:
    optional = [scores for scores in (report.champion, report.cold_control) if scores is not None]
    for scores in (report.challenger, *optional, *report.floor):
        for metric, interval in scores.metrics.items():
            yield f"{scores.name}_{metric.replace('@', '_at_')}", interval
    if report.paired is not None:
        yield "paired_difference", report.paired.difference
    if report.drift is not None:
        yield "drift", report.drift
    for part in report.slices:
        for who in ("challenger", "champion", "difference"):
            if (interval := getattr(part, who)) is not None:
                yield f"slice_{part.kind}_{part.name}_{who}_{part.metric}", interval
    for result in report.sensitivity:
        yield f"sensitivity_{result.scorer}_{result.change}_{result.share:g}_{result.metric}", result.value
