from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.errors import InvalidInput
from pipeline.ledger.approvals import NOBODY, Answer, answering, as_approval, objections, rejection, standing_answer
from pipeline.ledger.entries import ApprovalEntry, RegistryCollected
from pipeline.records.chain import Approval, PromotionDecision
from pipeline.records.findings import RuleVerdict

AT = datetime(2026, 1, 2, 3, tzinfo=UTC)
YES, NO = Answer(True, "ann", AT, "looks good"), Answer(False, "bob", AT, "too slow")
OVERRULE = Answer(True, "eve", AT, "customers wait", overridden="rejected by bob")


def entries(*answers: Answer) -> tuple[ApprovalEntry, ...]:
    found: tuple[ApprovalEntry, ...] = ()
    for answer in answers:
        found += answering(found, "demo", "demo-1", answer)
    return found


def decision(*failed: str, champion: int | None = 1) -> PromotionDecision:
    rules = [RuleVerdict(name=name, threshold="> 0.4", observed="0.1", passed=False) for name in failed]
    return PromotionDecision(
        report_sha256="1" * 64, promote=not failed, cold_start=False, reason="beats_floor", rules=tuple(rules),
        champion_version=champion,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "by", "approved", "who", "reason"),
    [
        ("Approve", "ann", True, "ann", "approved in Airflow"),
        ("Reject", "ann", False, "ann", "rejected in Airflow"),
        ("Reject", "", False, NOBODY, "no answer in time"),  # as the operator answers for the time that ran out
    ],
)
def test_operators_answer_is_a_persons_or_that_of_a_time_out(
    answer: str, by: str, approved: bool, who: str, reason: str
) -> None:
    assert Answer.of_operator(answer, by, AT) == Answer(approved, who, AT, reason)


def test_persons_words_follow_the_answer() -> None:
    assert Answer.of_operator("Reject", "ann", AT, " one more day ").reason == "one more day (in Airflow)"
    assert Answer.of_operator("Reject", "", AT, "from a form that nobody sent").reason == "no answer in time"


@pytest.mark.parametrize(
    ("answer", "by", "message"),
    [
        ("Maybe", "ann", r"'Maybe'. Pass --answer Approve or --answer Reject"),
        ("Approve", " ", r"comes from nobody.*pass --by with the name"),
    ],
)
def test_answer_that_is_none_is_refused(answer: str, by: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Answer.of_operator(answer, by, AT)


@pytest.mark.parametrize(
    ("answers", "verdict", "who"),
    [
        ((YES,), "approved", "ann"),
        ((NO,), "rejected", "bob"),
        ((YES, NO), "approved", "ann"),  # the first stands
        ((NO, YES), "rejected", "bob"),  # a rejected night is not approved by a retry
        ((NO, OVERRULE), "approved", "eve"),  # but on record, with what it sets aside
        ((NO, OVERRULE, NO), "approved", "eve"),
        ((YES, OVERRULE), "approved", "eve"),  # approved, then overtaken: the override says against what
    ],
)
def test_first_answer_stands_unless_it_is_overruled(answers: tuple[Answer, ...], verdict: str, who: str) -> None:
    standing = standing_answer(entries(*answers), "demo-1")
    assert standing is not None
    assert (standing.verdict, standing.who) == (verdict, who)
    assert standing_answer(entries(*answers), "demo-2") is None


def test_rejection_says_who_when_and_why_and_approval_becomes_a_part_of_the_record() -> None:
    assert rejection(entries(NO)[0]) == "rejected by bob on 2026-01-02 03:00 UTC: too slow"
    assert as_approval(entries(YES)[0]) == Approval(who="ann", at=AT, reason="looks good")
    assert as_approval(None) is None


def test_what_stands_against_a_promotion_is_told() -> None:
    assert objections(decision(), None, 1) == ()
    assert objections(decision("beats_floor"), entries(NO)[0], 2) == (
        "the gate refused it: beats_floor",
        "rejected by bob on 2026-01-02 03:00 UTC: too slow",
        "the gate compared it with champion 1, and the champion is 2",
    )


@pytest.mark.parametrize("rule", ["leak_certificate", "data_checks"])
def test_scores_that_mean_nothing_cannot_be_overruled(rule: str) -> None:
    with pytest.raises(InvalidInput, match=rf"{rule} refused the run: observed 0.1.*No override.*run of another as-of"):
        objections(decision(rule), None, 1)


def test_approval_comes_too_late_where_a_collection_took_the_model() -> None:
    taken = RegistryCollected(
        graph="demo", versions=(), checkpoints=(), run_folders=(), models=("demo-1",), policy="model-days 90", at=AT,
        who="cron", reason="routine",
    )  # fmt: skip
    with pytest.raises(InvalidInput, match=r"trained model of run demo-1 was collected by cron .*\(model-days 90\)"):
        answering((taken,), "demo", "demo-1", OVERRULE)
    assert answering((taken,), "demo", "demo-1", NO)  # a rejection needs none
    assert answering((taken,), "demo", "demo-2", YES)
