from __future__ import annotations

import math

import pytest

from pipeline.promotion.shadow import YEAR, ShadowRule
from pipeline.records.evidence import Evidence
from tests.fixtures.paired import paired

RULE = ShadowRule()


def after(nights: int, p_value: float) -> Evidence:
    evidence = Evidence()
    for _ in range(nights):
        evidence = evidence.and_of(paired(0.01 if p_value < 0.5 else -0.01, -0.1, 0.1, p_value=p_value))
    return evidence


@pytest.mark.parametrize("tenure", [1, 14, 60, 365])
def test_a_year_spends_no_more_than_alpha(tenure: int) -> None:
    rule = ShadowRule(alpha=0.05, minimum_tenure=tenure, maximum_tenure=400)
    begun = sum(1 for night in range(YEAR) if night % tenure == 0) + 1  # and the one that stands when it begins
    assert (begun + rule.early_a_year) * rule.level <= 0.05 + 1e-12


def test_a_shadow_that_is_provably_better_is_promoted_on_the_night_that_shows_it() -> None:
    strong = [RULE.standing(after(nights, 0.02), nights=nights, overtaken=False) for nights in range(1, 9)]
    assert strong[0] == "stays"
    assert strong[-1] == "better"
    first = strong.index("better") + 1
    assert after(first, 0.02).p_better <= RULE.level < after(first - 1, 0.02).p_better


def test_a_shadow_that_is_provably_worse_goes_before_its_tenure_is_over() -> None:
    assert RULE.standing(after(8, 0.98), nights=8, overtaken=False) == "worse"


@pytest.mark.parametrize(
    ("nights", "overtaken", "standing"),
    [
        (1, False, "stays"),
        (59, True, "stays"),  # tonight's model is better, and has to wait
        (60, True, "overtaken"),
        (60, False, "stays"),
        (119, False, "stays"),
        (120, False, "tenure_over"),
    ],
)
def test_a_shadow_without_evidence_stays_for_its_tenure(nights: int, overtaken: bool, standing: str) -> None:
    assert RULE.standing(after(nights, 0.5), nights=nights, overtaken=overtaken) == standing


@pytest.mark.parametrize(
    ("since", "promoted", "free"),
    [
        (None, False, True),  # there never was one
        (10, True, True),
        (10, False, False),  # it was provably worse: its part of alpha is spent all the same
        (60, False, True),
    ],
)
def test_the_place_of_a_shadow_is_given_anew_once_its_tenure_would_be_over(
    since: int | None, promoted: bool, free: bool
) -> None:
    assert RULE.place_is_free(since, last_was_promoted=promoted) is free


def test_evidence_is_judged_by_the_level_of_a_shadow_and_not_by_alpha() -> None:
    between = next(evidence for nights in range(1, 60) if (evidence := after(nights, 0.1)).p_better <= RULE.alpha)
    assert between.p_better > RULE.level
    assert RULE.standing(between, nights=between.nights, overtaken=False) == "stays"
    assert math.isclose(RULE.level, 0.025 / 2 / 8)


@pytest.mark.parametrize(
    ("p_value", "early", "taken"),
    [
        (0.0005, 0, True),
        (0.02, 0, False),  # better on one night in fifty by chance: no shadow would stay
        (0.0005, 8, False),  # as many as alpha was shared among
    ],
)
def test_tonights_model_takes_the_place_early_only_where_it_is_far_better(
    p_value: float, early: int, taken: bool
) -> None:
    assert RULE.may_take_early(p_value, early_in_the_last_year=early) is taken
