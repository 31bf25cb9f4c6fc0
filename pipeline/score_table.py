"""Tables for a person: scores with their intervals, and the last nights."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from pipeline.records import EvaluationReport, Interval, NightEntry

SHOWN_METRICS = ("mrr", "hits@10", "auc", "average_precision", "brier", "ece")


def interval_text(interval: Interval) -> str:
    """Return an interval as people read it: the value, then its bounds."""
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def scores_table(report: EvaluationReport) -> Table:
    """Return challenger, champion, cold-start control and heuristics, a row each, on the same pairs."""
    table = Table(title=f"{report.num_test_edges} test edges, {report.num_negatives} negatives", title_justify="left")
    table.add_column("scorer")
    for metric in SHOWN_METRICS:
        table.add_column(metric, justify="right")
    models = (report.challenger, report.champion, report.cold_control)
    scorers = [*(scores for scores in models if scores is not None), *report.floor]
    for scores in scorers:
        cells = [interval_text(scores.metrics[name]) if name in scores.metrics else "-" for name in SHOWN_METRICS]
        table.add_row(scores.name, *cells)
    return table


def slices_table(report: EvaluationReport) -> Table:
    """Return the slices that hold test edges, a row each, with each model's figure and their paired difference."""
    metric = report.paired_metric
    table = Table(title=f"{metric} by slice of the test edges", title_justify="left")
    for name in ("slice", "edges", "challenger", "champion", "difference"):
        table.add_column(name, justify="left" if name == "slice" else "right")
    for part in report.slices:
        if part.num_edges:
            figures = (part.challenger, part.champion, part.difference)
            cells = ["-" if interval is None else interval_text(interval) for interval in figures]
            table.add_row(part.key, str(part.num_edges), *cells)
    return table


def nights_table(entries: Sequence[NightEntry]) -> Table:
    """Return the nights, a row each, in the order given."""
    table = Table(title="nights", title_justify="left")
    for name in ("run", "as of", "outcome", "version"):
        table.add_column(name, no_wrap=True)
    table.add_column("reason", ratio=1)
    for entry in entries:
        version = str(entry.version) if entry.version is not None else "-"
        table.add_row(entry.run_name, f"{entry.as_of:%Y-%m-%d %H:%M}", entry.outcome, version, entry.reason)
    return table
