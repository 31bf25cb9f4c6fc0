from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.errors import InvalidInput
from pipeline.params.decide import DecideParams
from pipeline.promotion import gate
from pipeline.promotion.accumulated import decide
from pipeline.promotion.shadow import ShadowRule
from pipeline.records.chain import GraphSnapshot, PromotionDecision
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.evidence import Evidence
from pipeline.records.findings import LeakInvariant
from tests.fixtures.gate_evaluations import evaluation, part
from tests.fixtures.paired import paired
from tests.fixtures.shadow_nights import as_of, beside, run_name, snapshot, told

PARAMS = DecideParams(evidence="accumulated")
RULE = ShadowRule()
TONIGHT = 10
BETTER, EVEN, WORSE = (paired(0.02 * sign, -0.1, 0.1, p_value=p) for sign, p in ((1, 0.01), (1, 0.4), (-1, 0.99)))
BROKEN = (LeakInvariant(name="disjoint", checked=10, violations=1),)
FAR_BETTER = paired(0.3, 0.2, 0.4, p_value=1e-9)


def after(nights: int, comparison: object = BETTER) -> Evidence:
    evidence = Evidence()
    for _ in range(nights):
        evidence = evidence.and_of(comparison)  # type: ignore[arg-type]
    return evidence


NEARLY = next(after(n) for n in range(1, 60) if after(n + 1).p_better <= RULE.level)  # one night more suffices
ENOUGH = after(NEARLY.nights + 4)


@pytest.fixture
def decided(make_snapshot: Callable[..., GraphSnapshot]) -> Callable[..., PromotionDecision]:
    return lambda told_of: decide(told_of, PARAMS, snapshot(make_snapshot(), TONIGHT))


def of(decision: PromotionDecision) -> list[tuple[str, str | None, str, bool]]:
    return [(one.run_name, one.begins, one.standing, one.promote) for one in decision.shadows]


Decided = Callable[[EvaluationRecord], PromotionDecision]


def test_by_night_nothing_is_gathered(make_snapshot: Callable[..., GraphSnapshot]) -> None:
    night = snapshot(make_snapshot(), TONIGHT)
    assert decide(evaluation(), DecideParams(), night) == gate.decide(evaluation(), DecideParams())


def test_an_evaluation_that_does_not_tell_of_the_place_decides_nothing(decided: Decided) -> None:
    with pytest.raises(InvalidInput, match=r"does not say who has the shadow's place.*set decide.evidence: night"):
        decided(evaluation())


@pytest.mark.parametrize(
    "changes", [{"champion": None, "paired": None}, {"paired": None, "champion_note": "other ids"}]
)
def test_a_night_with_nothing_to_compare_with_is_decided_by_itself(
    decided: Decided, changes: dict[str, object]
) -> None:
    night = told(changes=changes)
    decision = decided(night)
    assert decision == gate.decide(night, PARAMS)
    assert decision.promote is (changes["champion"] is None if "champion" in changes else False)


def test_tonights_model_becomes_the_shadow_where_the_place_is_free_with_tonights_edges(decided: Decided) -> None:
    decision = decided(told())  # by the night alone it would be promoted
    assert not decision.promote
    (own,) = decision.shadows
    assert (own.run_name, own.begins, own.nights, own.standing) == (run_name(TONIGHT), "free", 1, "stays")
    assert own.evidence == Evidence().and_of(paired(0.05, 0.01, 0.09))
    assert own.counted_until == as_of(TONIGHT)
    [rule] = [rule for rule in decision.rules if not rule.passed]
    assert rule.name == "evidence_over_champion"
    assert rule.observed.startswith("it becomes the shadow with this night: mrr +0.0500 on 400 edges of 1 night, p ")
    assert rule.threshold.startswith("p <= 0.0016 ")


def test_a_gain_that_one_night_proves_at_the_level_of_a_shadow_is_promoted_that_night(decided: Decided) -> None:
    decision = decided(told(changes={"paired": FAR_BETTER}))
    assert decision.promote
    assert of(decision) == [(run_name(TONIGHT), "free", "better", False)]  # the night's own promotion, not a shadow's


@pytest.mark.parametrize(
    ("since", "promoted", "begins"), [(59, False, False), (60, False, True), (3, True, True), (3, False, False)]
)
def test_the_place_of_one_that_is_gone_is_given_by_the_stated_rule(
    decided: Decided, since: int, promoted: bool, begins: bool
) -> None:
    decision = decided(told(since=since, last_was_promoted=promoted))
    assert bool(decision.shadows) is begins
    if not begins:
        assert f"stays empty until {60 - since} more have come" in decision.reason


def test_a_night_whose_certificate_is_broken_gives_no_place_and_counts_nothing(decided: Decided) -> None:
    night = decided(told(changes={"certificate": BROKEN}))
    assert night.shadows == ()
    assert "the shadow's place is free, but this night's edges do not count" in night.reason
    (stands,) = decided(told(beside(BETTER, so_far=NEARLY), changes={"certificate": BROKEN})).shadows
    assert (stands.evidence, stands.standing, stands.counted_until) == (NEARLY, "stays", as_of(9))
    (stands,) = decided(told(beside(BETTER, so_far=NEARLY, certificate=BROKEN))).shadows
    assert stands.evidence == NEARLY


def test_the_shadow_is_promoted_on_the_night_that_completes_its_evidence_and_tonights_model_is_not(
    decided: Decided,
) -> None:
    decision = decided(told(beside(BETTER, so_far=NEARLY)))
    assert of(decision) == [(run_name(1), None, "better", True)]
    shadow = decision.promoted_shadow
    assert shadow is not None
    assert shadow.evidence == NEARLY.and_of(BETTER)
    assert shadow.counted_until == as_of(TONIGHT)
    assert [rule.name for rule in shadow.rules] == [
        *("leak_certificate", "data_checks", "enough_test_edges", "beats_floor", "calibration_error"),
        *("slice_guardrail", "evidence_over_champion"),
    ]
    assert (decision.promote, decision.promotes) == (False, True)
    assert decision.reason.startswith("the shadow is promoted, the model of the night of 2026-01-01 03:00, 10 nights, ")
    assert "the night's own model: evidence_over_champion" in decision.reason


@pytest.mark.parametrize("counted", [EVEN, None])
def test_an_equal_shadow_and_one_without_new_edges_stay(decided: Decided, counted: object) -> None:
    decision = decided(told(beside(counted, so_far=after(2, EVEN))))  # type: ignore[arg-type]
    assert of(decision) == [(run_name(1), None, "stays", False)]
    assert decision.shadows[0].evidence.nights == (3 if counted else 2)
    assert "one night decides nothing; the shadow is the model of the night of 2026-01-01" in decision.reason


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"num_test_edges": 199}, "enough_test_edges"),
        ({"over_floor": {"adamic_adar": paired(0.2, -0.1, 0.3)}}, "beats_floor"),
        ({"slices": (part("node_age", "cold", -0.2, -0.3, -0.1),)}, "slice_guardrail"),
    ],
)
def test_evidence_that_suffices_promotes_nothing_while_another_rule_is_broken(
    decided: Decided, change: dict[str, object], rule: str
) -> None:
    decision = decided(told(beside(BETTER, so_far=ENOUGH, **change)))
    assert of(decision) == [(run_name(1), None, "better", False)]  # it keeps its place, and is asked again tomorrow
    assert rule in [one.name for one in decision.shadows[0].rules if not one.passed]
    assert of(decided(told(beside(BETTER, so_far=ENOUGH, nights=120, **change))))[0][2] == "tenure_over"


def test_a_shadow_that_is_provably_worse_goes_and_its_place_is_given_later(decided: Decided) -> None:
    decision = decided(told(beside(WORSE, so_far=after(12, WORSE))))
    assert of(decision) == [(run_name(1), None, "worse", False)]


@pytest.mark.parametrize(
    ("nights", "own", "expected"),
    [
        (59, 0.6, ["stays"]),  # tonight's model is better on validation, and has to wait
        (60, 0.6, ["overtaken", "stays"]),
        (60, 0.4, ["stays"]),
        (120, 0.4, ["tenure_over", "stays"]),
    ],
)
def test_tonights_model_takes_the_place_by_validation_and_counts_tonight(
    decided: Decided, nights: int, own: float, expected: list[str]
) -> None:
    decision = decided(told(beside(EVEN, so_far=after(3, EVEN), nights=nights), best_value=own))
    assert [one.standing for one in decision.shadows] == expected
    if len(expected) == 2:
        assert (decision.shadows[1].begins, decision.shadows[1].evidence.nights) == ("free", 1)


@pytest.mark.parametrize(("p_value", "before", "taken"), [(0.0005, 0, True), (0.002, 0, False), (0.0005, 8, False)])
def test_a_far_better_model_takes_the_place_early_and_tonights_edges_do_not_count_for_it(
    decided: Decided, p_value: float, before: int, taken: bool
) -> None:
    over = paired(0.2, 0.1, 0.3, p_value=p_value)
    decision = decided(told(beside(EVEN, so_far=after(3, EVEN), over_shadow=over), early_in_the_last_year=before))
    if not taken:
        assert of(decision) == [(run_name(1), None, "stays", False)]
        return
    assert of(decision) == [(run_name(1), None, "overtaken", False), (run_name(TONIGHT), "early", "stays", False)]
    assert decision.shadows[1].evidence == Evidence()
    assert decision.shadows[1].counted_until == as_of(TONIGHT)


def test_a_shadow_that_is_promoted_is_not_taken_the_place_of(decided: Decided) -> None:
    over = paired(0.2, 0.1, 0.3, p_value=1e-6)
    decision = decided(told(beside(BETTER, so_far=NEARLY, over_shadow=over)))
    assert of(decision) == [(run_name(1), None, "better", True)]


@pytest.mark.parametrize(("nights", "begins"), [(20, None), (61, "free")])
def test_a_shadow_that_cannot_be_scored_any_more_goes_and_says_why(
    decided: Decided, nights: int, begins: str | None
) -> None:
    gone = beside(None, so_far=ENOUGH, nights=nights, scores=None, paired=None, unusable="other node features")
    decision = decided(told(gone))
    assert of(decision)[0] == (run_name(1), None, "unusable", False)
    assert decision.shadows[0].note == "other node features"
    assert [one.begins for one in decision.shadows[1:]] == ([begins] if begins else [])


def test_the_same_evaluation_gives_the_same_decision_byte_for_byte(decided: Decided) -> None:
    night = told(beside(BETTER, so_far=NEARLY))
    assert decided(night).to_json() == decided(night).to_json()
