"""The part of the page that tells of the shadow: whose model it is, what its nights have shown, what became of it."""

from __future__ import annotations

from pipeline.records.shadow import BECAME, ShadowVerdict
from pipeline.report.blocks import Section, judged, table
from pipeline.report.night_story import NightStory

ONE_MODELS = (
    "A gain of the shadow is that of this one model, on the nodes of these nights. Whether every night's new model is "
    "better than the champion is another question, which this evidence does not answer."
)


def shadow_section(story: NightStory) -> Section | None:
    """Return what the night found of the shadow, and who has the place after it; None where no evidence is gathered."""
    decision = story.decision
    if decision is None or not decision.shadows:
        return None
    said = [_told(shadow) for shadow in decision.shadows]
    rows = [
        [rule.name.replace("_", " "), judged(rule.passed), rule.observed, rule.threshold]
        for shadow in decision.shadows
        for rule in shadow.rules
    ]
    header = ("rule", "verdict", "observed", "threshold")
    tables = (table("The rules of the gate, for the shadow", header, rows, "prose"),) if rows else ()
    return Section("shadow", "Shadow", (*said, ONE_MODELS), tables)


def _told(shadow: ShadowVerdict) -> str:
    if shadow.begins is not None:
        early = ", early: it is far better than the shadow of before" if shadow.begins == "early" else ""
        return f"The night's own model takes the shadow's place{early}: {shadow.in_words()}."
    note = f" ({shadow.note})" if shadow.note else ""
    became = "is promoted" if shadow.promote else BECAME[shadow.standing]
    return f"Shadow: {shadow.in_words()}. It {became}{note}."
