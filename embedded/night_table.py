"""The table that the demo ends with."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from embedded.layout import Layout
from embedded.night_results import NightResult, against_rivals, warm_start
from embedded.nights import Deliveries
from pipeline.records.chain import GraphSnapshot
from pipeline.records.evaluation import Interval, interval_text

COLUMNS = ("night", "as of", "snapshot", "nodes", "edges", "challenger", "champion", "outcome", "version")
NUMBERS = ("night", "nodes", "edges", "version")
DATA_COLUMNS = ("night", "added", "removed", "returned", "data checks", "split", "leak certificate")
METRICS = ("mrr", "hits@1", "hits@10", "auc", "average_precision")  # the evaluation and the last line have them all


def show(results: list[NightResult], deliveries: Deliveries, layout: Layout, console: Console) -> None:
    """Print the table of the nights, the verdict on night 1's model, and where everything lies."""
    table = Table(title=f"Nights of {deliveries.graph}", show_lines=True)
    for column in COLUMNS:
        table.add_column(column, justify="right" if column in NUMBERS else "left")
    for result in results:
        table.add_row(*_row(result))
    console.print(table)
    console.print(_data_table(results))
    for result in results:
        console.print(f"night {result.night.number} [bold]{result.outcome}[/bold]: {escape(result.reason)}")
    first = results[0] if results else None
    if first is not None and first.evaluation is not None:
        console.print(f"Night 1's model {against_rivals(first.evaluation)}.", markup=False)
    for result in results:
        if (begun := warm_start(result)) is not None:
            console.print(begun, markup=False)
    name = layout.root.name
    console.print(f"a page for each night: {layout.home / 'reports'}/<run>.html", markup=False)
    console.print(f"records: {layout.home / 'runs'}/<run>/*.json", markup=False)
    console.print(f"pages of Airflow and MLflow: make up{'' if name == 'demo' else f' STACK={name}'}, later make down")


def _row(result: NightResult) -> list[str]:
    snapshot, evaluation = result.snapshot, result.evaluation
    champion = evaluation.champion if evaluation else None
    return [
        str(result.night.number),
        f"{result.night.as_of:%Y-%m-%d}",
        snapshot.snapshot_id if snapshot else "-",
        f"{snapshot.num_nodes:,}" if snapshot else "-",
        f"{snapshot.num_edges:,}" if snapshot else "-",
        _scores(evaluation.challenger.metrics) if evaluation else "-",
        f"version {champion.version}\n{_scores(champion.metrics)}" if champion else "-",
        result.outcome,
        str(result.version) if result.version is not None else "-",
    ]


def _data_table(results: list[NightResult]) -> Table:
    """Return what each night's delivery changed, what the checks said of it, and what the split is proven to keep."""
    table = Table(title="What was delivered, checked and split", show_lines=True)
    for column in DATA_COLUMNS:
        table.add_column(column, justify="right" if column in ("night", "added", "removed", "returned") else "left")
    for result in results:
        changes = _changes(result.snapshot)
        table.add_row(str(result.night.number), *changes, _checks(result), _split(result), _certificate(result))
    return table


def _changes(snapshot: GraphSnapshot | None) -> tuple[str, str, str]:
    if snapshot is None:
        return "-", "-", "-"
    return f"{snapshot.added_edges:,}", f"{snapshot.removed_edges:,}", f"{snapshot.returned_edges:,}"


def _checks(result: NightResult) -> str:
    checks = result.checks
    if checks is None:
        return "-"
    refusing = [item.name for item in checks.checks if item.level == "refuse" and not item.passed]
    failed = [f"refused: {', '.join(refusing)}"] if refusing else []
    failed += [f"warned: {', '.join(checks.warnings)}"] if checks.warnings else []
    return "\n".join([f"{sum(item.passed for item in checks.checks)} of {len(checks.checks)} hold", *failed])


def _split(result: NightResult) -> str:
    split = result.split
    if split is None:
        return "-"
    return f"{split.method}: {split.num_train:,} / {split.num_valid:,} / {split.num_test:,}"


def _certificate(result: NightResult) -> str:
    """Return how much was counted; the evaluation's certificate includes the split's."""
    held = result.evaluation.certificate if result.evaluation else result.split.certificate if result.split else ()
    if not held:
        return "-"
    broken = [item.name for item in held if not item.passed]
    found = f"BROKEN: {', '.join(broken)}" if broken else "0 violations"
    return f"{len(held)} invariants, {sum(item.checked for item in held):,} items, {found}"


def _scores(metrics: Mapping[str, Interval]) -> str:
    return "\n".join(f"{name} {interval_text(value)}" for name, value in metrics.items() if name in METRICS)
