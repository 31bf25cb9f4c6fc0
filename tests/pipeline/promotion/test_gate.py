"""The gate as a table: one evaluation that passes, and one change a row."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from pipeline.params.decide import DecideParams
from pipeline.promotion.gate import decide
from pipeline.records.chain import PromotionDecision
from pipeline.records.evaluation import AnchorScores
from pipeline.records.findings import CheckResult, LeakInvariant
from pipeline.records.floor import FLOOR_NAMES
from pipeline.records.scores import Interval, ModelScores
from tests.fixtures.gate_evaluations import evaluation, part, scores, warm_and_cold
from tests.fixtures.paired import paired

STRICT = DecideParams(maximum_calibration_error=0.05)  # every rule has something to judge
RULES = (
    "leak_certificate",
    "data_checks",
    "enough_test_edges",
    "beats_floor",
    "calibration_error",
    "slice_guardrail",
    "superiority_over_champion",
)

FLOOR = {name: paired(0.2, 0.16, 0.24) for name in DecideParams().floor}
# For each rule a fault that breaks it and no other.
FAULTS: dict[str, dict[str, Any]] = {
    "leak_certificate": {"certificate": (LeakInvariant(name="disjoint", checked=10, violations=1),)},
    "data_checks": {
        "snapshot_checks": (CheckResult(name="rows", level="refuse", threshold=">= 1", observed="0", passed=False),)
    },
    "enough_test_edges": {"num_test_edges": 199},
    "beats_floor": {"over_floor": {name: paired(0.01, -0.01, 0.03) for name in DecideParams().floor}},
    "calibration_error": {"challenger": scores("challenger", 0.60, ece=0.12)},
    "slice_guardrail": {"slices": (part("node_age", "cold", -0.1, -0.15, -0.05),)},
    "superiority_over_champion": {"paired": paired(0.05, -0.01, 0.11)},
}


def stating(value: float, low: float) -> ModelScores:
    """Return a challenger of this calibration error, with this lower bound."""
    passing = scores("challenger", 0.60)
    ece = Interval(value=value, low=low, high=value + 0.01)
    return passing.model_copy(update={"metrics": {**passing.metrics, "ece": ece}})


def broken(decision: PromotionDecision) -> set[str]:
    return {rule.name for rule in decision.rules if not rule.passed}


def test_better_challenger_is_promoted_with_every_rule_recorded() -> None:
    decision = decide(evaluation(), STRICT)
    assert decision.promote
    assert tuple(rule.name for rule in decision.rules) == RULES
    assert decision.champion_version == 3
    assert decision.reason == (
        "superiority_over_champion: observed mrr +0.0500 [+0.0100, +0.0900] by node, p 0.01, "
        "needed lower bound of the paired difference > 0"
    )


@pytest.mark.parametrize("rule", RULES)
def test_the_fault_of_a_rule_breaks_that_rule_alone(rule: str) -> None:
    before = {verdict.name: verdict for verdict in decide(evaluation(), STRICT).rules}
    decision = decide(evaluation(**FAULTS[rule]), STRICT)
    after = {verdict.name: verdict for verdict in decision.rules}
    assert not decision.promote
    assert broken(decision) == {rule}
    assert decision.reason == f"{rule}: observed {after[rule].observed}, needed {after[rule].threshold}"
    assert after[rule] != before[rule]
    assert {name: after[name] for name in RULES if name != rule} == {
        name: before[name] for name in RULES if name != rule
    }


@pytest.mark.parametrize("count", [2, 3, len(RULES)])
def test_faults_together_break_just_their_rules_and_all_are_in_the_reason(count: int) -> None:
    for chosen in itertools.combinations(RULES, count):
        changes: dict[str, Any] = {}
        for rule in chosen:
            changes |= FAULTS[rule]
        decision = decide(evaluation(**changes), STRICT)
        assert broken(decision) == set(chosen)
        assert [sentence.partition(":")[0] for sentence in decision.reason.split("; ")] == list(chosen)


WARM = DecideParams(edges="warm", maximum_calibration_error=0.05)


def test_a_gate_that_reads_warm_edges_judges_their_figures_alone() -> None:
    poor = {name: FAULTS[name] for name in ("beats_floor", "calibration_error", "superiority_over_champion")}
    whole = {key: value for fault in poor.values() for key, value in fault.items()}
    read = evaluation(warm_and_cold=warm_and_cold(warm=300), **whole)
    assert broken(decide(read, STRICT)) == set(poor)
    decision = decide(read, WARM)
    assert decision.promote
    assert decision.report_sha256 == read.sha256
    said = {rule.name: (rule.threshold, rule.observed) for rule in decision.rules}
    assert said["enough_test_edges"] == (">= 200 fresh warm test edges", "300")
    assert said["superiority_over_champion"][1].startswith("mrr +0.0600")


def test_warm_edges_that_do_not_suffice_keep_the_champion_whatever_all_edges_say() -> None:
    worse = evaluation(warm_and_cold=warm_and_cold(warm=300, difference=-0.06))
    assert broken(decide(worse, WARM)) == {"superiority_over_champion"}
    assert decide(worse, STRICT).promote
    few = evaluation(warm_and_cold=warm_and_cold(warm=199))
    assert broken(decide(few, WARM)) == {"enough_test_edges"}


def test_an_evaluation_without_warm_edges_apart_promotes_nothing_where_they_are_read() -> None:
    decision = decide(evaluation(), WARM)
    assert decision.reason == "enough_test_edges: observed 0, needed >= 200 fresh warm test edges"


def test_guarded_slices_are_those_of_all_edges_whatever_is_read() -> None:
    collapsed = evaluation(warm_and_cold=warm_and_cold(warm=300), **FAULTS["slice_guardrail"])
    assert broken(decide(collapsed, WARM)) == {"slice_guardrail"}


def test_a_decision_depends_on_nothing_but_report_and_policy() -> None:
    assert decide(evaluation(), STRICT) == decide(evaluation(), STRICT)


@pytest.mark.parametrize(
    ("changes", "params", "rule", "observed"),
    [
        # nothing checked is no certificate
        ({"certificate": ()}, {}, "leak_certificate", "0 invariants hold"),
        ({"snapshot_checks": ()}, {}, "data_checks", "0 checks, none refuses"),
        ({}, {"minimum_test_edges": 401}, "enough_test_edges", "400"),
        # higher than all, but not provably higher than one
        (
            {"over_floor": FLOOR | {"adamic_adar": paired(0.3, -0.01, 0.61, p_value=0.03)}},
            {},
            "beats_floor",
            "adamic_adar reaches MRR 0.400, the challenger 0.600, which is not provably more: nothing shows that "
            "more than a counting rule is needed here, over adamic_adar mrr +0.3000 [-0.0100, +0.6100] by node, p 0.03",
        ),
        # a heuristic that nobody scored cannot have been beaten
        (
            {"over_floor": {"adamic_adar": paired(0.2, 0.1, 0.3)}},
            {"floor": ("adamic_adar", "common_neighbors")},
            "beats_floor",
            "over adamic_adar mrr +0.2000 [+0.1000, +0.3000] by node, p 0.01, not scored: common_neighbors; "
            "evaluate again, or take it out of decide.floor",
        ),
        (
            {},
            {"maximum_calibration_error": 0.01},
            "calibration_error",
            "ece 0.0400 [0.0200, 0.0800]",
        ),
        (
            {"challenger": scores("challenger", 0.6)},
            {"maximum_calibration_error": 0.5},
            "calibration_error",
            "the challenger states no probability: set decide.maximum_calibration_error: null",
        ),
        # the bound is strict
        (
            {"paired": paired(0.05, 0.0, 0.1, p_value=0.025)},
            {},
            "superiority_over_champion",
            "mrr +0.0500 [+0.0000, +0.1000] by node, p 0.025",
        ),
        (
            {"paired": None, "champion_note": "not comparable"},
            {},
            "superiority_over_champion",
            "not comparable (decide.incomparable_champion: keep)",
        ),
    ],
)
def test_a_broken_rule_says_what_was_observed(
    changes: dict[str, Any], params: dict[str, Any], rule: str, observed: str
) -> None:
    decision = decide(evaluation(**changes), DecideParams(**params))
    assert broken(decision) == {rule}
    assert next(verdict.observed for verdict in decision.rules if verdict.name == rule) == observed


def test_cold_start_is_gated_by_the_floor_alone_and_says_which_rules_had_nothing_to_judge() -> None:
    decision = decide(evaluation(champion=None, paired=None, slices=()), DecideParams())
    assert decision.promote
    assert decision.cold_start
    assert decision.reason == (
        "cold start, gated by the floor alone: over common_neighbors mrr +0.2000 [+0.1600, +0.2400] by node, p 0.01"
    )
    observed = {rule.name: rule.observed for rule in decision.rules}
    assert observed["slice_guardrail"] == "not applicable: no champion to compare with"
    assert observed["superiority_over_champion"] == "not applicable: there is no champion"
    assert observed["calibration_error"] == "ece 0.0400 (decide.maximum_calibration_error: null)"


@pytest.mark.parametrize(
    ("value", "low", "limit", "passed"),
    [
        (0.040, 0.000, 0.050, True),
        # the value is above, but by no more than chance may make of it
        (0.060, 0.030, 0.050, True),
        (0.900, 0.049, 0.050, True),
        # at the limit is not beyond it
        (0.080, 0.050, 0.050, True),
        (0.080, 0.051, 0.050, False),
        (0.200, 0.180, 0.050, False),
        (0.200, 0.180, 0.180, True),
    ],
)
def test_a_calibration_error_breaks_its_rule_where_its_whole_interval_lies_above_the_limit(
    value: float, low: float, limit: float, passed: bool
) -> None:
    decision = decide(evaluation(challenger=stating(value, low)), DecideParams(maximum_calibration_error=limit))
    verdict = next(rule for rule in decision.rules if rule.name == "calibration_error")
    assert (verdict.passed, decision.promote) == (passed, passed)
    assert verdict.observed == f"ece {value:.4f} [{low:.4f}, {value + 0.01:.4f}]"
    assert verdict.threshold == f"lower bound of ece <= {limit:g}"


def test_an_error_that_few_edges_cannot_prove_is_stopped_by_their_number() -> None:
    unproven = evaluation(challenger=stating(0.2, 0.0), num_test_edges=30)
    assert broken(decide(unproven, STRICT)) == {"enough_test_edges"}


def test_champion_that_cannot_be_compared_is_replaced_only_where_the_parameters_say_so() -> None:
    alone = evaluation(paired=None, champion_note="the champion takes 33 node features, tonight's graph has 30")
    kept, replaced = decide(alone, DecideParams()), decide(alone, DecideParams(incomparable_champion="replace"))
    assert not kept.promote
    assert "33 node features, tonight's graph has 30 (decide.incomparable_champion: keep)" in kept.reason
    assert replaced.promote
    floored = evaluation(paired=None, **FAULTS["beats_floor"])
    assert not decide(floored, DecideParams(incomparable_champion="replace")).promote


def test_a_warning_keeps_the_champion_only_where_every_check_counts() -> None:
    warned = (CheckResult(name="growth", level="warn", threshold="<= 2", observed="3", passed=False),)
    assert decide(evaluation(snapshot_checks=warned), DecideParams()).promote
    strict = decide(evaluation(snapshot_checks=warned), DecideParams(data_checks="every"))
    assert broken(strict) == {"data_checks"}
    assert strict.reason == "data_checks: observed growth 3, needed every check passes"


def test_every_heuristic_that_is_named_has_to_be_beaten_and_the_others_need_not() -> None:
    given = evaluation(over_floor=FLOOR | {"preferential_attachment": paired(0.01, -0.02, 0.04)})
    assert broken(decide(given, DecideParams())) == {"beats_floor"}
    assert decide(given, DecideParams(floor=("common_neighbors", "adamic_adar", "resource_allocation"))).promote


def test_where_only_the_trees_are_not_beaten_nothing_is_promoted_and_it_is_said_plainly() -> None:
    trees = {
        "challenger": scores("challenger", 0.31),
        "floor": tuple(scores(name, 0.33 if name == "boosted_trees" else 0.1) for name in FLOOR_NAMES),
        "over_floor": FLOOR | {"boosted_trees": paired(-0.02, -0.03, -0.01, p_value=0.99)},
    }
    said = (
        "beats_floor: observed boosted_trees reaches MRR 0.330, the challenger 0.310: gradient boosting on pair "
        "features suffices here, over boosted_trees mrr -0.0200 [-0.0300, -0.0100] by node, p 0.99, needed lower bound"
    )
    kept = decide(evaluation(**trees), DecideParams())
    refused = decide(evaluation(champion=None, paired=None, slices=(), **trees), DecideParams())
    for decision in (kept, refused):
        assert not decision.promote
        assert broken(decision) == {"beats_floor"}
        assert decision.reason.startswith(said)
    assert (kept.cold_start, refused.cold_start) == (False, True)
    assert decide(evaluation(**trees), DecideParams(floor=FLOOR_NAMES[:4])).promote  # a policy of the four is of four


def test_what_was_not_computed_tonight_is_skipped_and_said() -> None:
    absent = dict.fromkeys(FLOOR_NAMES[4:], "no times divide the edges")
    over = {name: FLOOR[name] for name in FLOOR_NAMES[:4]}
    decision = decide(evaluation(over_floor=over, floor_absent=absent), DecideParams())
    assert decision.promote
    verdict = next(rule for rule in decision.rules if rule.name == "beats_floor")
    assert verdict.threshold.endswith(f"over each of {', '.join(FLOOR_NAMES[:4])}")
    assert verdict.observed.endswith(", not computed: 5 that read times (no times divide the edges)")
    worse = over | {"adamic_adar": paired(0.01, -0.01, 0.03)}
    assert broken(decide(evaluation(over_floor=worse, floor_absent=absent), DecideParams())) == {"beats_floor"}


def test_a_floor_of_which_nothing_was_computed_is_none_and_holds_nobody_up_to_promotion() -> None:
    lost = evaluation(over_floor={}, floor=(), floor_absent={"boosted_trees": "no times divide the edges"})
    decision = decide(lost, DecideParams(floor=("boosted_trees",)))
    assert broken(decision) == {"beats_floor"}
    assert "nothing is left of decide.floor; add common_neighbors, which needs no times" in decision.reason


@pytest.mark.parametrize(
    ("changes", "threshold", "passed"),
    [
        ({}, "lower bound of mrr > 0.4000 (adamic_adar)", True),
        ({"challenger": scores("challenger", 0.41)}, "lower bound of mrr > 0.4000 (adamic_adar)", False),
        ({"floor": (scores("adamic_adar", 0.4),)}, f"lower bound of mrr > the best of {', '.join(FLOOR)}", False),
    ],
)
def test_a_record_of_before_the_floor_was_paired_is_judged_as_it_was_then(
    changes: dict[str, Any], threshold: str, passed: bool
) -> None:
    rules = decide(evaluation(over_floor=None, **changes), DecideParams()).rules
    verdict = next(rule for rule in rules if rule.name == "beats_floor")
    assert (verdict.threshold, verdict.passed) == (threshold, passed)


@pytest.mark.parametrize(("low", "promoted"), [(-0.009, True), (-0.01, False), (-0.011, False)])
def test_non_inferiority_allows_a_loss_below_the_margin(low: float, promoted: bool) -> None:
    decision = decide(evaluation(paired=paired(0.0, low, 0.02)), DecideParams(mode="non_inferiority", margin=0.01))
    assert decision.promote is promoted
    assert decision.rules[-1].name == "non_inferiority_over_champion"
    assert decision.rules[-1].threshold == "lower bound of the paired difference > -0.01"


@pytest.mark.parametrize(("low", "promoted"), [(-0.029, True), (-0.03, False)])
def test_losses_that_are_allowed_one_by_one_may_not_add_up(low: float, promoted: bool) -> None:
    anchor = AnchorScores(version=2, paired=paired(-0.02, low, 0.0))
    allowed = evaluation(paired=paired(0.0, -0.01, 0.01), anchor=anchor)
    decision = decide(allowed, DecideParams(mode="non_inferiority", margin=0.03))
    assert decision.promote is promoted
    assert broken(decision) == (set() if promoted else {"non_inferiority_over_anchor"})
    assert decision.rules[-1].threshold == "lower bound of the paired difference > -0.03 over version 2, the anchor"
    assert decision.rules[-1].observed == f"mrr -0.0200 [{low:+.4f}, +0.0000] by node, p 0.01"


def test_an_anchor_that_cannot_be_scored_is_let_go_only_where_the_parameters_say_so() -> None:
    lost = evaluation(anchor=AnchorScores(version=2, note="The registry has no version 2"))
    keep = decide(lost, DecideParams(mode="non_inferiority"))
    assert broken(keep) == {"non_inferiority_over_anchor"}
    assert keep.rules[-1].observed == "The registry has no version 2 (decide.incomparable_champion: keep)"
    assert decide(lost, DecideParams(mode="non_inferiority", incomparable_champion="replace")).promote


def test_no_other_mode_asks_for_an_anchor_and_an_evaluation_of_before_has_none() -> None:
    lost = AnchorScores(version=2, paired=paired(-0.5, -0.6, -0.4))
    names = [
        {rule.name for rule in decide(given, DecideParams(mode=mode)).rules}
        for given, mode in ((evaluation(anchor=lost), "superiority"), (evaluation(), "non_inferiority"))
    ]
    assert all("non_inferiority_over_anchor" not in rules for rules in names)
