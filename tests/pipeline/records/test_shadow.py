from __future__ import annotations

import pytest

from pipeline.records.evidence import Evidence
from pipeline.records.findings import RuleVerdict
from pipeline.records.shadow import ShadowPromotion, ShadowState, ShadowVerdict
from tests.fixtures.shadow_nights import LEVEL, state

SOME = Evidence(nights=23, edges=9_000, total=900.0, gain=0.0081)


def test_a_shadow_is_told_by_its_night_its_nights_its_gain_and_how_much_of_the_evidence_is_there() -> None:
    assert state(1, 23, evidence=SOME).in_words() == (
        "the model of the night of 2026-01-01 03:00, 23 nights, mrr +0.0081 so far on 9000 edges, evidence 100% of "
        "what is needed"
    )
    assert state(1, 1).in_words() == (
        "the model of the night of 2026-01-01 03:00, 1 night, nothing counted yet, evidence 0% of what is needed"
    )


@pytest.mark.parametrize(
    ("total", "share"),
    [(0.0, 0.0), (-900.0, 0.0), (350.0, 0.87), (600.0, 1.0), (90_000.0, 1.0)],
)
def test_the_share_of_the_evidence_is_by_its_logarithm_and_never_over_one(total: float, share: float) -> None:
    found = state(1, 23, evidence=SOME.model_copy(update={"total": total}))
    assert found.share == pytest.approx(share, abs=0.01)
    assert (found.share == 1) == (found.evidence.p_better <= LEVEL)


def test_the_ledger_keeps_of_a_verdict_what_it_is_a_state_of() -> None:
    rule = RuleVerdict(name="a", threshold="b", observed="c", passed=True)
    kept = state(1, 5, standing="better", evidence=SOME)
    verdict = ShadowVerdict(**kept.model_dump(), promote=True, note="n", rules=(rule,))
    assert verdict.state == kept
    assert type(verdict.state) is ShadowState


@pytest.mark.parametrize(
    ("standing", "gone"),
    [
        ("stays", False),
        ("better", False),
        ("worse", True),
        ("tenure_over", True),
        ("overtaken", True),
        ("unusable", True),
    ],
)
def test_only_a_shadow_that_stays_or_waits_for_its_promotion_keeps_the_place(standing: str, gone: bool) -> None:
    assert state(1, 5, standing=standing).gone is gone  # type: ignore[arg-type]


def test_a_promotion_by_evidence_names_the_night_that_decided_and_the_champion_it_was_beside() -> None:
    promotion = ShadowPromotion(
        decided_by="demo-x", decision_sha256="a" * 64, champion_version=4, shadow=state(1, 23, evidence=SOME),
        code_version="b" * 64,
    )  # fmt: skip
    assert promotion.in_words().startswith(
        "promoted by the evidence of 23 nights beside champion 4, as run demo-x decided: the model of the night of"
    )
