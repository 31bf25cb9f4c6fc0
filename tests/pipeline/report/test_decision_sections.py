from dataclasses import replace
from typing import get_args

import pytest

from pipeline.ledger.entries import NightOutcome, RefreshRefused
from pipeline.records.chain import Approval
from pipeline.records.scores import Interval, ModelScores
from pipeline.report.decision_sections import (
    certificate_section,
    checks_section,
    cost_section,
    decision_section,
    headline,
    lineage_section,
)
from pipeline.report.page import SIGNS
from tests.fixtures.night_stories import AS_OF, decision, empty_story, full_story, kept_story, refused_story
from tests.fixtures.paired import paired
from tests.fixtures.refresh_entries import TAG, refreshed


def test_a_passed_night_that_nobody_registered_yet_says_so() -> None:
    waiting = replace(full_story(), entry=None, registered=None)
    assert headline(waiting) == "Passed the gate, and not registered yet; champion version 2 stays until then."
    started = replace(empty_story(), trained=full_story().trained)
    assert headline(started) == "Not finished: the last step that left its record is train."


def test_a_night_refused_at_a_later_step_does_not_blame_the_delivery() -> None:
    assert headline(refused_story()).startswith("Refused: the delivery fails its checks.")
    later = replace(refused_story(), checks=None)
    assert headline(later) == "Refused: the night ended before a decision, and the champion was not touched."


def test_a_cold_start_that_the_gate_refused_leaves_no_champion() -> None:
    gate = decision(promote=False).model_copy(update={"champion_version": None, "cold_start": True})
    story = kept_story()
    assert story.entry is not None
    entry = story.entry.model_copy(update={"outcome": "refused"})
    assert headline(replace(story, decision=gate, entry=entry)) == "Refused by the gate: there is no champion yet."


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("awaiting", "Passed the gate, and waits for a person; champion version 2 stays until then."),
        ("rejected", "Rejected by a person: champion version 2 stays."),
    ],
)
def test_what_a_person_decides_is_told_as_theirs(outcome: str, said: str) -> None:
    story = kept_story()
    assert story.entry is not None
    assert headline(replace(story, entry=story.entry.model_copy(update={"outcome": outcome}))) == said


def test_who_approved_and_whom_they_overruled_is_said() -> None:
    approval = Approval(who="ada", at=AS_OF, reason="looked at the slices", overridden="kept by the gate")
    plain = full_story()
    assert plain.registered is not None
    assert plain.decision is not None
    assert plain.entry is not None
    gate = plain.decision.reason
    registered = plain.registered.model_copy(update={"approval": approval})
    entry = plain.entry.model_copy(update={"reason": f"{gate}; approved by ada: looked at the slices"})
    story = replace(plain, registered=registered, entry=entry)
    said = decision_section(story).sentences
    assert "Approved by ada, 2026-03-05 03:00 UTC: looked at the slices." in said
    assert "Overruled: kept by the gate." in said
    assert said[0] == f"Reason: {gate}"  # the approval is not told twice


def test_every_outcome_of_the_ledger_has_a_headline_a_tone_and_a_sign() -> None:
    story = full_story()
    assert story.entry is not None
    for outcome in get_args(NightOutcome):
        entry = story.entry.model_copy(update={"outcome": outcome})
        assert headline(replace(story, entry=entry)) != f"{outcome.capitalize()}."
        assert outcome in SIGNS


@pytest.mark.parametrize(
    ("story", "said"),
    [(full_story(), "All 3 rules hold."), (kept_story(), "1 of 3 rules fails: superiority over champion.")],
)
def test_rules_are_counted_and_the_failed_ones_named(story, said: str) -> None:  # type: ignore[no-untyped-def]
    section = decision_section(story)
    assert section.sentences[-1] == said
    assert "the champion 0.450 [0.420, 0.480], the best of the floor (adamic adar) 0.330" in section.sentences[1]
    assert [cell.text for cell in section.tables[0].rows[0]][:2] == ["leak certificate", "✓ holds"]


def test_a_night_on_which_the_trees_suffice_says_so_and_with_no_model_what_to_use_instead() -> None:
    told = kept_story()
    assert told.evaluation is not None
    assert told.decision is not None
    trees = ModelScores(name="boosted_trees", metrics={"mrr": Interval(value=0.49, low=0.45, high=0.53)})
    found = told.evaluation.model_copy(
        update={
            "floor": (*told.evaluation.floor, trees),
            "over_floor": {"adamic_adar": paired(0.14, 0.1, 0.18), "boosted_trees": paired(-0.02, -0.04, 0.0)},
        }
    )
    reached = "boosted trees reaches MRR 0.490, the challenger 0.470"
    suffices = f"{reached}: gradient boosting on pair features suffices here."
    kept = decision_section(replace(told, evaluation=found)).sentences
    assert suffices in kept
    assert not any("No model serves" in sentence for sentence in kept)  # the champion does

    gate = decision(promote=False).model_copy(update={"champion_version": None, "cold_start": True})
    first = decision_section(replace(told, evaluation=found, decision=gate)).sentences
    assert first[first.index(suffices) + 1] == "No model serves: until one is better, rank pairs by boosted trees."
    beaten = found.model_copy(update={"over_floor": {"boosted_trees": paired(0.02, 0.01, 0.03)}})
    assert not any("suffices" in one for one in decision_section(replace(told, evaluation=beaten)).sentences)


def test_a_refused_delivery_gives_its_reasons_and_its_failed_checks_first() -> None:
    story = refused_story()
    assert "minimum_edge_ratio: 5049 edges" in decision_section(story).sentences[0]
    section = checks_section(story)
    assert section is not None
    assert section.sentences[0] == "1 of 3 checks hold."
    assert [row[1].text for row in section.tables[0].rows] == ["! warns", "✗ fails", "✓ holds"]


def test_a_broken_invariant_comes_first() -> None:
    section = certificate_section(full_story())
    assert section is not None
    assert section.sentences == ("2 invariants over 26,530 items; 1 of them broken.",)
    assert section.folded[0].rows[0][1].text == "✗ fails"


def test_costs_and_lineage_are_left_out_of_a_night_that_has_none() -> None:
    assert cost_section(empty_story()) is None
    assert lineage_section(empty_story()) is None
    cost = cost_section(full_story())
    assert cost is not None
    assert [row[0].text for row in cost.tables[0].rows] == [
        "training, 30 epochs",
        "evaluation",
        "evaluation: challenger",
    ]


def test_kept_night_says_which_version_serves_its_graph_with_whose_weights() -> None:
    served = refreshed(7, 3, weights_of=2).model_copy(update={"why": "the night was kept; MRR 0.4 on the new graph"})
    story = replace(kept_story(), refresh=served)
    assert headline(story) == "Kept: champion version 2 stays, on tonight's graph (version 7)."
    told = " ".join(decision_section(story).sentences)
    assert "Version 7 serves the graph of this night with the weights of version 2. the night was kept; MRR 0.4" in told


def test_refused_refresh_is_told_with_its_reason() -> None:
    refused = RefreshRefused(
        graph="demo", version=2, weights_of=2, snapshot_tag=TAG, at=AS_OF, who="run x", why="it collapsed"
    )
    story = replace(kept_story(), refresh=refused)
    assert headline(story) == "Kept: champion version 2 stays, and serves the graph of before."
    assert "The graph of this night is not served: it collapsed." in " ".join(decision_section(story).sentences)
