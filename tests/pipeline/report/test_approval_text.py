from __future__ import annotations

from dataclasses import replace

from pipeline.report.approval_text import approval_text
from tests.fixtures.night_stories import empty_story, evaluation, full_story, kept_story


def test_the_text_has_what_decides_and_no_command() -> None:
    text = approval_text(full_story())
    assert text.splitlines() == [
        "**Challenger minus champion: +0.020 [+0.004, +0.037] MRR** on 245 edges that neither has seen (p 0.012).",
        "",
        "| | MRR |",
        "|---|---|",
        "| challenger | 0.470 [0.440, 0.500] |",
        "| champion, version 2 | 0.450 [0.420, 0.480] |",
        "| best of the floor, adamic adar | 0.330 [0.300, 0.360] |",
        "",
        "**Changed in the data:** 14,197 → 14,280 edges (+120 new, 3 came back, 40 gone); 2,985 → 3,000 nodes "
        "(+15 new); degree shift 0.012; **warning** feature shift: 0.61 (x3), limit <= 0.5.",
        "",
        "All 3 rules of the gate hold. superiority_over_champion: \\<script>alert('x')\\</script>",
    ]
    assert "ncnc" not in text


def test_a_first_night_says_that_there_is_nothing_to_compare_with() -> None:
    text = approval_text(replace(full_story(), evaluation=evaluation(champion=False), change=None))
    assert text.startswith("**No champion to compare with:** no champion yet. 245 test edges.")
    assert "champion, version" not in text


def test_rules_that_fail_are_named_and_a_night_that_was_not_judged_has_no_text() -> None:
    assert "Fails: superiority over champion." in approval_text(kept_story())
    assert approval_text(empty_story()) == ""
