"""The table that the demo ends with."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from embedded.layout import Layout
from embedded.night_results import NightResult, against_rivals
from embedded.nights import Deliveries
from pipeline.records import Interval
from pipeline.score_table import interval_text

COLUMNS = ("night", "as of", "snapshot", "nodes", "edges", "challenger", "champion", "outcome", "version")
NUMBERS = ("night", "nodes", "edges", "version")
METRICS = ("mrr", "hits@1", "hits@10", "auc", "average_precision")  # the report and the last line have them all


def show(results: list[NightResult], deliveries: Deliveries, layout: Layout, console: Console) -> None:
    """Print the table of the nights, the verdict on night 1's model, and where everything lies."""
    table = Table(title=f"Nights of {deliveries.graph}", show_lines=True)
    for column in COLUMNS:
        table.add_column(column, justify="right" if column in NUMBERS else "left")
    for result in results:
        table.add_row(*_row(result))
    console.print(table)
    for result in results:
        console.print(f"night {result.night.number} [bold]{result.outcome}[/bold]: {escape(result.reason)}")
    first = results[0] if results else None
    if first is not None and first.report is not None:
        console.print(f"Night 1's model {against_rivals(first.report)}.", markup=False)
    name = layout.root.name
    console.print(f"records and reports: {layout.home / 'runs'}/<run>/*.json", markup=False)
    console.print(f"pages of Airflow and MLflow: make up{'' if name == 'demo' else f' STACK={name}'}, later make down")


def _row(result: NightResult) -> list[str]:
    snapshot, report = result.snapshot, result.report
    champion = report.champion if report else None
    return [
        str(result.night.number),
        f"{result.night.as_of:%Y-%m-%d}",
        snapshot.snapshot_id if snapshot else "-",
        f"{snapshot.num_nodes:,}" if snapshot else "-",
        f"{snapshot.num_edges:,}" if snapshot else "-",
        _scores(report.challenger.metrics) if report else "-",
        f"version {champion.version}\n{_scores(champion.metrics)}" if champion else "-",
        result.outcome,
        str(result.version) if result.version is not None else "-",
    ]


def _scores(metrics: Mapping[str, Interval]) -> str:
    return "\n".join(f"{name} {interval_text(value)}" for name, value in metrics.items() if name in METRICS)
