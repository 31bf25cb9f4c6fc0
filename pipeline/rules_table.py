"""The gate's rules as a table, for the person who reads a night."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from pipeline.records import PromotionDecision


def rules_table(decision: PromotionDecision) -> Table:
    """Return every rule, a row each, with its threshold, observed value and verdict; the verdict is a word too."""
    verdict = "promote" if decision.promote else "do not promote"
    failed = sum(not rule.passed for rule in decision.rules)
    table = Table(title=f"the gate: {verdict}, {failed} of {len(decision.rules)} rules broken", title_justify="left")
    table.add_column("rule", no_wrap=True)
    table.add_column("needed", ratio=2)
    table.add_column("observed", ratio=3)
    table.add_column("verdict", no_wrap=True)
    for rule in decision.rules:
        word = Text("holds", style="green") if rule.passed else Text("broken", style="bold red")
        # As text: what a check observed may hold square brackets, which rich would take for markup.
        table.add_row(rule.name, Text(rule.threshold), Text(rule.observed), word)
    return table
