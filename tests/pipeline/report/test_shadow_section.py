from __future__ import annotations

from dataclasses import replace

from pipeline.records.findings import RuleVerdict
from pipeline.records.shadow import ShadowVerdict
from pipeline.report.approval_text import approval_text
from pipeline.report.decision_sections import headline
from pipeline.report.night_story import NightStory
from pipeline.report.page import report_page
from pipeline.report.shadow_section import shadow_section
from tests.fixtures.night_stories import decision, kept_story
from tests.fixtures.shadow_nights import state

RULE = RuleVerdict(name="beats_floor", threshold="> 0", observed="over adamic_adar mrr +0.1", passed=True)


def with_shadows(*shadows: ShadowVerdict, version: int | None = None) -> NightStory:
    decided = decision(promote=False).model_copy(update={"shadows": shadows})
    return replace(kept_story(), decision=decided, shadow_version=version)


def verdict(trained: int, **changes: object) -> ShadowVerdict:
    return ShadowVerdict(**(state(trained, 23).model_dump() | changes))  # type: ignore[arg-type]


def test_a_night_that_gathers_no_evidence_has_no_such_part() -> None:
    assert shadow_section(kept_story()) is None
    assert shadow_section(replace(kept_story(), decision=None)) is None


def test_the_page_says_whose_model_it_is_what_became_of_it_and_that_the_gain_is_one_models() -> None:
    part = shadow_section(with_shadows(verdict(1, standing="worse"), verdict(23, begins="early")))
    assert part is not None
    assert part.sentences[0] == (
        "Shadow: the model of the night of 2026-01-01 03:00, 23 nights, nothing counted yet, evidence 0% of what is "
        "needed. It goes: it is provably worse than the champion."
    )
    assert part.sentences[1].startswith("The night's own model takes the shadow's place, early: it is far better than")
    assert "that of this one model" in part.sentences[2]
    gone = shadow_section(with_shadows(verdict(1, standing="unusable", note="it was collected")))
    assert gone is not None
    assert gone.sentences[0].endswith("It goes: it cannot be scored any more (it was collected).")


def test_a_night_that_promotes_the_shadow_says_so_first_and_shows_its_rules() -> None:
    promoted = verdict(1, standing="better", promote=True, rules=(RULE,))
    story = with_shadows(promoted, version=7)
    assert headline(story) == (
        "Promoted: version 7, the shadow, the model of the night of 2026-01-01 03:00, becomes the champion. The "
        "night's own model does not."
    )
    assert "was to become champion and has not" in headline(with_shadows(promoted))
    part = shadow_section(story)
    assert part is not None
    assert part.sentences[0].endswith("It is promoted.")
    assert part.tables[0].rows[0][0].text == "beats floor"
    assert "Shadow" in report_page(story)
    assert approval_text(story).startswith("**You are asked about the shadow**, not about the night's own model: ")
