from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline.audit.findings import AuditFindings
from pipeline.audit.shadow_evidence import check_evidence, tenure
from pipeline.ledger.entries import ShadowEvidence
from pipeline.records.chain import PromotionDecision, RegisteredModel
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.evidence import Evidence
from pipeline.records.record import Record
from pipeline.records.shadow import ShadowPromotion, ShadowVerdict
from tests.fixtures.paired import paired
from tests.fixtures.shadow_nights import beside, run_name, shadow_entry, told

BETTER = paired(0.03, 0.01, 0.05, p_value=0.0005)
AFTER = (Evidence().and_of(BETTER), Evidence().and_of(BETTER).and_of(BETTER))


def night(number: int, report: EvaluationRecord, **changes: Any) -> ShadowEvidence:  # Any: of the state
    entry = shadow_entry(1, number, evidence=AFTER[number - 1], **changes)
    return entry.model_copy(update={"report_sha256": report.sha256})


# The model of night 1 was the shadow on nights 1 and 2, and the second one promoted it.
FIRST = told(changes={"paired": BETTER})
BEGUN = night(1, FIRST, begins="free")
SECOND = told(beside(BETTER, nights=2, before=BEGUN.shadow))
LAST = night(2, SECOND, standing="better")


def audit(
    *, entries: tuple[ShadowEvidence, ...] = (BEGUN, LAST), second: EvaluationRecord = SECOND, at: str = "", **said: Any
) -> dict[str, str]:  # Any: of the promotion that the version's record tells of
    """Return what is faulty, by what was checked."""
    verdict = ShadowVerdict(**LAST.shadow.model_dump(), promote=True)
    decision = PromotionDecision(
        report_sha256=SECOND.sha256, promote=False, cold_start=False, reason="", rules=(), champion_version=1,
        shadows=(verdict,),
    )  # fmt: skip
    values = {
        "decided_by": run_name(2), "decision_sha256": decision.sha256, "champion_version": 1, "shadow": LAST.shadow,
        "code_version": "c" * 64,
    }  # fmt: skip
    registered = RegisteredModel(
        decision_sha256="d" * 64, name="demo", version=2, model_id="m", previous_version=1, run_key="3" * 64, files=(),
        evidence=ShadowPromotion(**(values | said)),
    )  # fmt: skip
    records: dict[tuple[str, type[Record]], Record] = {
        (run_name(1), EvaluationRecord): FIRST,
        (run_name(2), EvaluationRecord): second,
        (run_name(2), PromotionDecision): decision,
    }
    runs = SimpleNamespace(
        find=lambda graph, name: name if name != at else None, get_record=lambda run, kind: records.get((run, kind))
    )
    doors = SimpleNamespace(ledger=SimpleNamespace(entries=lambda graph: entries), registry=SimpleNamespace(runs=runs))
    walk = AuditFindings(cast(Any, doors), cast(Any, SimpleNamespace(name="demo", run_name=run_name(1))), Path())
    walk.records[RegisteredModel] = registered
    check_evidence(walk)
    assert len(walk.checks) == 4
    return {check.what: check.observed for check in walk.checks if not check.ok}


def test_evidence_that_adds_up_to_what_every_record_says_agrees() -> None:
    assert audit() == {}


def test_a_version_that_its_own_night_promoted_has_nothing_to_check(tmp_path: Path) -> None:
    walk = AuditFindings(cast(Any, None), cast(Any, None), tmp_path)
    check_evidence(walk)
    assert walk.checks == []


def test_a_comparison_that_was_changed_is_found_by_the_digest_in_the_ledger() -> None:
    changed = told(beside(paired(0.3, 0.1, 0.5, p_value=1e-9), nights=2, before=BEGUN.shadow))
    assert audit(second=changed) == {
        "evidence of 2 nights": f"the evaluation of {run_name(2)} is {changed.sha256[:12]}, the ledger has "
        f"{SECOND.sha256[:12]}"
    }


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ((), "the ledger does not end with what the version's record says"),
        ((BEGUN,), "the ledger does not end with what the version's record says"),
        ((LAST,), "does not go on from the night before"),
        (
            (BEGUN.model_copy(update={"shadow": BEGUN.shadow.model_copy(update={"evidence": AFTER[1]})}), LAST),
            f"after {run_name(1)} it is ",
        ),
    ],
)
def test_a_ledger_that_tells_another_story_is_found(entries: tuple[ShadowEvidence, ...], said: str) -> None:
    (found,) = audit(entries=entries).values()
    assert said in found


def test_a_promotion_without_enough_evidence_or_by_another_decision_is_found() -> None:
    weak = LAST.shadow.model_copy(update={"level": 1e-9})
    assert "it does not suffice" in audit(shadow=weak)["evidence of 2 nights"]
    assert "shadow of that decision" in audit(shadow=weak)
    assert set(audit(decision_sha256="e" * 64)) == {"decision of the promoting night"}
    assert set(audit(champion_version=4)) == {"champion of that decision"}
    gone = audit(at=run_name(2))
    assert gone["decision of the promoting night"] == "nothing"
    assert f"the evaluation of {run_name(2)} is gone" in gone["evidence of 2 nights"]


def test_a_tenure_ends_with_the_night_that_promoted() -> None:
    later = shadow_entry(1, 3)
    other = shadow_entry(2, 2)
    assert tenure((BEGUN, other, LAST, later), run_name(1), run_name(2)) == (BEGUN, LAST)


def test_another_machines_last_digits_are_no_fault() -> None:
    near = AFTER[0].model_copy(update={"total": AFTER[0].total * (1 + 1e-13)})
    begun = BEGUN.model_copy(update={"shadow": BEGUN.shadow.model_copy(update={"evidence": near})})
    second = told(beside(BETTER, nights=2, before=begun.shadow))
    last = LAST.model_copy(update={"report_sha256": second.sha256})
    assert audit(entries=(begun, last), second=second) == {}
