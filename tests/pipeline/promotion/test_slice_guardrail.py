from __future__ import annotations

import pytest

from pipeline.params.decide import DecideParams
from pipeline.promotion.slice_guardrail import slice_guardrail
from pipeline.records.scores import SliceKind, SliceScores
from tests.fixtures.gate_evaluations import evaluation, part

PARAMS = DecideParams()


@pytest.mark.parametrize(
    ("changed", "passed"),
    [
        (part("node_age", "cold", -0.10, -0.15, -0.05), False),  # worse by more than the margin, provably
        (part("node_age", "cold", -0.10, -0.21, 0.01), True),  # by more, but it may be chance
        (part("node_age", "cold", -0.04, -0.06, -0.02), True),  # provably, but by less than the margin
        (part("node_age", "cold", -0.05, -0.07, -0.03), True),  # by exactly the margin
        (part("node_age", "cold", -0.10, -0.20, 0.0), True),  # its interval touches zero
        (part("node_age", "cold", -0.10, -0.15, -0.05, edges=29), True),  # of too few edges
        (part("node_age", "cold", -0.10, -0.15, -0.05, edges=30), False),
        (part("component", "different", -0.5, -0.6, -0.4), True),  # not guarded
    ],
)
def test_a_guarded_slice_may_not_collapse(changed: SliceScores, passed: bool) -> None:
    found = slice_guardrail(evaluation(slices=(part("degree", "1-2", 0.02, -0.01, 0.05), changed)), PARAMS)
    assert found.passed is passed
    assert found.name == "slice_guardrail"
    assert found.threshold == "no guarded slice loses more than 0.05 with its whole interval below 0"


def test_every_collapsed_slice_is_named_with_its_interval() -> None:
    collapsed: tuple[tuple[SliceKind, str], ...] = (("degree", "0"), ("node_age", "cold"))
    slices = [part(kind, name, -0.1, -0.15, -0.05) for kind, name in collapsed]
    found = slice_guardrail(evaluation(slices=(*slices, part("degree", "3-9", 0.1, 0.0, 0.2, edges=5))), PARAMS)
    assert found.observed == (
        "degree/0 -0.1000 [-0.1500, -0.0500], node_age/cold -0.1000 [-0.1500, -0.0500] "
        "(2 of 3 guarded slices have 30 edges)"
    )


def test_the_worst_slice_is_shown_where_none_collapsed() -> None:
    slices = (part("degree", "0", 0.1, 0.0, 0.2), part("degree", "1-2", -0.02, -0.08, 0.04))
    found = slice_guardrail(evaluation(slices=slices), PARAMS)
    assert found.observed == "worst degree/1-2 -0.0200 [-0.0800, +0.0400] (2 of 2 guarded slices have 30 edges)"


def test_a_large_slice_that_was_not_compared_breaks_the_rule() -> None:
    slices = (SliceScores(kind="degree", name="0", num_edges=60, metric="mrr", challenger=None),)
    found = slice_guardrail(evaluation(slices=slices), PARAMS)
    assert not found.passed
    assert found.observed.startswith("degree/0 was not compared")


def test_the_margin_is_the_parameters() -> None:
    slices = (part("degree", "0", -0.10, -0.15, -0.05),)
    assert slice_guardrail(evaluation(slices=slices), DecideParams(slice_margin=0.1)).passed
    assert not slice_guardrail(evaluation(slices=slices), DecideParams(slice_margin=0.09)).passed


@pytest.mark.parametrize(
    ("given", "params", "why"),
    [
        (evaluation(champion=None, paired=None, slices=()), PARAMS, "no champion to compare with"),
        (evaluation(slices=()), PARAMS, "the evaluation has no guarded slice"),
        (evaluation(), DecideParams(guarded_slices=()), "decide.guarded_slices names none"),
    ],
)
def test_where_there_is_nothing_to_guard_the_rule_says_so(given: object, params: DecideParams, why: str) -> None:
    found = slice_guardrail(given, params)  # type: ignore[arg-type]
    assert found.passed
    assert found.observed == f"not applicable: {why}"
