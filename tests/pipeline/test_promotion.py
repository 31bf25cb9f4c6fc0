"""The gate as a table: one report that passes, and one change a row."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.params import DecideParams
from pipeline.promotion import decide
from pipeline.records import CheckResult, EvaluationReport, Interval, LeakInvariant, ModelScores
from tests.paired import paired

SHA = "a" * 64


def scores(name: str, value: float, *, half: float = 0.02, version: int | None = None) -> ModelScores:
    return ModelScores(
        name=name, version=version, metrics={"mrr": Interval(value=value, low=value - half, high=value + half)}
    )


def report(**changes: Any) -> EvaluationReport:
    values: dict[str, Any] = {
        "trained_model_sha256": SHA,
        "num_test_edges": 400,
        "num_seen_by_champion": 0,
        "num_negatives": 20_000,
        "challenger": scores("challenger", 0.60),
        "champion": scores("champion", 0.55, version=3),
        "champion_note": "",
        "floor": (scores("common_neighbors", 0.30), scores("adamic_adar", 0.40)),
        "paired_metric": "mrr",
        "paired": paired(0.05, 0.01, 0.09),
        "certificate": (LeakInvariant(name="disjoint", checked=10, violations=0),),
        "snapshot_checks": (CheckResult(name="rows", level="refuse", threshold=">= 1", observed="9", passed=True),),
        "seconds": 1.0,
    }
    return EvaluationReport(**(values | changes))


def test_better_challenger_is_promoted_with_every_rule_recorded() -> None:
    decision = decide(report(), DecideParams())
    assert decision.promote
    assert [rule.name for rule in decision.rules] == [
        "leak_certificate",
        "data_checks",
        "enough_test_edges",
        "beats_floor",
        "superiority_over_champion",
    ]
    assert decision.reason == (
        "superiority_over_champion: observed mrr +0.0500 [+0.0100, +0.0900], "
        "needed lower bound of the paired difference > 0"
    )


def test_cold_start_is_gated_by_the_floor_alone() -> None:
    decision = decide(report(champion=None, paired=None), DecideParams())
    assert decision.promote
    assert decision.cold_start
    assert decision.reason.startswith("cold start, gated by the floor alone: mrr 0.6000 [0.5800, 0.6200]")


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"certificate": (LeakInvariant(name="disjoint", checked=10, violations=1),)}, "leak_certificate"),
        ({"certificate": ()}, "leak_certificate"),  # nothing checked is no certificate
        (
            {
                "snapshot_checks": (
                    CheckResult(name="rows", level="refuse", threshold=">= 1", observed="0", passed=False),
                )
            },
            "data_checks",
        ),
        ({"num_test_edges": 199}, "enough_test_edges"),
        ({"challenger": scores("challenger", 0.41)}, "beats_floor"),  # higher, but its interval reaches the floor
        ({"paired": paired(0.05, 0.0, 0.1)}, "superiority_over_champion"),  # strict
        ({"paired": None, "champion_note": "not comparable"}, "superiority_over_champion"),
    ],
)
def test_one_broken_rule_keeps_the_champion(changes: dict[str, Any], broken: str) -> None:
    decision = decide(report(**changes), DecideParams())
    assert not decision.promote
    assert [rule.name for rule in decision.rules if not rule.passed] == [broken]
    assert decision.reason.startswith(f"{broken}: observed ")


def test_champion_that_cannot_be_compared_is_replaced_only_where_the_parameters_say_so() -> None:
    alone = report(paired=None, champion_note="the champion takes 33 node features, tonight's graph has 30")
    kept, replaced = decide(alone, DecideParams()), decide(alone, DecideParams(incomparable_champion="replace"))
    assert not kept.promote
    assert "33 node features, tonight's graph has 30 (decide.incomparable_champion: keep)" in kept.reason
    assert replaced.promote
    floored = report(paired=None, challenger=scores("challenger", 0.41))
    assert not decide(floored, DecideParams(incomparable_champion="replace")).promote


def test_warning_check_does_not_keep_the_champion() -> None:
    warned = (CheckResult(name="growth", level="warn", threshold="<= 2", observed="3", passed=False),)
    assert decide(report(snapshot_checks=warned), DecideParams()).promote


@pytest.mark.parametrize(("low", "promoted"), [(-0.009, True), (-0.01, False), (-0.011, False)])
def test_non_inferiority_allows_a_loss_below_the_margin(low: float, promoted: bool) -> None:
    decision = decide(report(paired=paired(0.0, low, 0.02)), DecideParams(mode="non_inferiority", margin=0.01))
    assert decision.promote is promoted
