from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO

from rich.table import Table

from pipeline.commands.score_tables import nights_table, rules_table, scores_table, slices_table
from pipeline.ledger.entries import NightEntry
from pipeline.records.chain import PromotionDecision
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.findings import RuleVerdict
from pipeline.records.scores import Interval, ModelScores, SliceScores
from pipeline.terminal import Terminal

SHA = "a" * 64


def text(table: Table) -> str:
    console = Terminal(file=StringIO(), width=200)
    console.print(table)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def scores(name: str, mrr: float) -> ModelScores:
    return ModelScores(name=name, metrics={"mrr": Interval(value=mrr, low=mrr - 0.1, high=mrr + 0.1)})


def evaluation(champion: ModelScores | None) -> EvaluationRecord:
    return EvaluationRecord(
        trained_model_sha256=SHA,
        num_test_edges=400,
        num_seen_by_champion=0,
        num_negatives=20_000,
        challenger=scores("challenger", 0.6),
        champion=champion,
        champion_note="",
        floor=(scores("adamic_adar", 0.4),),
        paired_metric="mrr",
        paired=None,
        certificate=(),
        snapshot_checks=(),
        seconds=1.0,
    )


def night(version: int | None) -> NightEntry:
    return NightEntry(
        graph="demo",
        run_name="demo-20260102T030000Z",
        as_of=datetime(2026, 1, 2, 3, tzinfo=UTC),
        at=datetime(2026, 1, 2, 4, tzinfo=UTC),
        outcome="kept" if version is None else "promoted",
        reason="a reason",
        completed=True,
        version=version,
    )


def test_the_scorers_stand_in_one_table_with_what_they_were_scored_on() -> None:
    shown = text(scores_table(evaluation(scores("champion", 0.5))))
    assert "400 test edges, 20000 negatives" in shown
    order = [shown.index(part) for part in ("challenger", "champion", "adamic_adar")]
    assert order == sorted(order)
    assert "0.600 [0.500, 0.700]" in shown


def test_without_a_champion_there_is_no_row_for_one() -> None:
    assert "champion" not in text(scores_table(evaluation(None))).replace("challenger", "")


def test_a_cold_start_control_has_a_row_of_its_own() -> None:
    controlled = evaluation(None).model_copy(update={"cold_control": scores("cold_control", 0.5)})
    assert "cold_control" in text(scores_table(controlled))
    assert "cold_control" not in text(scores_table(evaluation(None)))


def test_a_metric_that_was_not_measured_is_a_dash_and_no_zero() -> None:
    row = next(line for line in text(scores_table(evaluation(None))).splitlines() if "adamic_adar" in line)
    assert row.count(" - ") == 5  # all but mrr


def test_nights_stand_in_the_order_given_with_version_and_reason() -> None:
    lines = text(nights_table([night(None), night(7)])).splitlines()
    kept = next(line for line in lines if "kept" in line)
    promoted = next(line for line in lines if "promoted" in line)
    assert lines.index(kept) < lines.index(promoted)
    assert " - " in kept
    assert " 7 " in promoted
    assert "2026-01-02 03:00" in promoted
    assert "a reason" in promoted


def test_slices_with_edges_stand_in_a_table_and_empty_ones_do_not() -> None:
    mrr = Interval(value=0.6, low=0.5, high=0.7)
    slices = (
        SliceScores(kind="degree", name="1-2", num_edges=12, metric="mrr", challenger=mrr),
        SliceScores(kind="node_age", name="cold", num_edges=0, metric="mrr", challenger=None),
    )
    shown = text(slices_table(evaluation(None).model_copy(update={"slices": slices})))
    assert "degree/1-2" in shown
    assert "0.600 [0.500, 0.700]" in shown
    assert "node_age/cold" not in shown


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
    console = Terminal(file=StringIO(), width=120)
    console.print(rules_table(decision))
    assert isinstance(console.file, StringIO)
    lines = console.file.getvalue().splitlines()
    assert lines[0].strip() == "the gate: do not promote, 1 of 2 rules broken"
    assert any(all(word in line for word in ("enough_test_edges", ">= 200", "450", "holds")) for line in lines)
    # What a delivery's name or value may hold is shown and not taken for markup.
    assert any(all(word in line for word in ("data_checks", "orphans [red]0.7[/red]", "broken")) for line in lines)
