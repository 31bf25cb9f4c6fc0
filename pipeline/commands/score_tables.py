"""Tables for a person: scores with their intervals, and the last nights."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from pipeline.ledger.entries import NightEntry
from pipeline.records.chain import PromotionDecision
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.scores import interval_text
from pipeline.records.shadow import BECAME
from pipeline.terminal import styled

SHOWN_METRICS = ("mrr", "hits@10", "auc", "average_precision", "brier", "ece")


def scores_table(evaluation: EvaluationRecord) -> Table:
    """Return challenger, champion, cold-start control and heuristics, a row each, on the same pairs."""
    table = Table(
        title=f"{evaluation.num_test_edges} test edges, {evaluation.num_negatives} negatives", title_justify="left"
    )
    table.add_column("scorer")
    for metric in SHOWN_METRICS:
        table.add_column(metric, justify="right")
    models = (evaluation.challenger, evaluation.champion, evaluation.cold_control)
    scorers = [*(scores for scores in models if scores is not None), *evaluation.floor]
    for scores in scorers:
        cells = [interval_text(scores.metrics[name]) if name in scores.metrics else "-" for name in SHOWN_METRICS]
        table.add_row(scores.name, *cells)
    return table


def slices_table(evaluation: EvaluationRecord) -> Table:
    """Return the slices that hold test edges, a row each, with each model's figure and their paired difference."""
    metric = evaluation.paired_metric
    table = Table(title=f"{metric} by slice of the test edges", title_justify="left")
    for name in ("slice", "edges", "challenger", "champion", "difference"):
        table.add_column(name, justify="left" if name == "slice" else "right")
    for part in evaluation.slices:
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


def rules_table(decision: PromotionDecision) -> Table:
    """Return every rule, a row each, with its threshold, observed value and verdict."""
    verdict = "promote" if decision.promote else "do not promote"
    failed = sum(not rule.passed for rule in decision.rules)
    title = [f"the gate: {verdict}, {failed} of {len(decision.rules)} rules broken"]
    for shadow in decision.shadows:
        became = "is promoted" if shadow.promote else "begins" if shadow.begins else BECAME[shadow.standing]
        title.append(f"shadow: {shadow.in_words()}; it {became}")
    table = Table(title="\n".join(title), title_justify="left")
    table.add_column("rule", no_wrap=True)
    table.add_column("needed", ratio=2)
    table.add_column("observed", ratio=3)
    table.add_column("verdict", no_wrap=True)
    for rule in decision.rules:
        word = styled(("holds", "green") if rule.passed else ("broken", "bold red"))
        table.add_row(rule.name, rule.threshold, rule.observed, word)
    return table
