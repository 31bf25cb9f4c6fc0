from __future__ import annotations

from io import StringIO

from rich.console import Console

from pipeline.records import PromotionDecision, RuleVerdict
from pipeline.rules_table import rules_table


def test_every_rule_is_a_row_with_its_verdict_as_a_word() -> None:
    decision = PromotionDecision(
        report_sha256="a" * 64,
        promote=False,
        cold_start=False,
        reason="",
        rules=(
            RuleVerdict(name="enough_test_edges", threshold=">= 200", observed="450", passed=True),
            RuleVerdict(name="data_checks", threshold="every check", observed="orphans [red]0.7[/red]", passed=False),
        ),
        champion_version=3,
    )
    console = Console(file=StringIO(), width=120)
    console.print(rules_table(decision))
    assert isinstance(console.file, StringIO)
    lines = console.file.getvalue().splitlines()
    assert lines[0].strip() == "the gate: do not promote, 1 of 2 rules broken"
    assert any(all(word in line for word in ("enough_test_edges", ">= 200", "450", "holds")) for line in lines)
    # What a delivery's name or value may hold is shown and not taken for markup.
    assert any(all(word in line for word in ("data_checks", "orphans [red]0.7[/red]", "broken")) for line in lines)
