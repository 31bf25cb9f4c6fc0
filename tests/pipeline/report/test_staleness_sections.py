from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.records.evaluation import Staleness
from pipeline.records.scores import Interval
from pipeline.report.blocks import Section
from pipeline.report.night_story import NightStory
from pipeline.report.staleness_sections import loss_in_words, staleness_section
from tests.fixtures.night_stories import empty_story, evaluation, full_story, staleness


def with_ages(found: Staleness | None) -> NightStory:
    return replace(full_story(), evaluation=evaluation().model_copy(update={"staleness": found}))


def section_of(found: Staleness) -> Section:
    section = staleness_section(with_ages(found))
    assert section is not None
    return section


def test_what_retraining_and_refreshing_are_worth_is_said_in_words() -> None:
    section = section_of(staleness())
    assert section.sentences == (
        "The same 212 test edges for all, newer than each night that is compared. What is lost is tonight's MRR minus "
        "that of the older one. It decides nothing.",
        "Retraining: a model that is 1 night old loses 0.002 [-0.010, 0.014], which may be chance; one that is 7 "
        "nights old loses 0.021 [0.004, 0.038]. A loss is shown at 7 nights.",
        "Refreshing: the champion on a graph that is 1 night older loses 0.030 [0.011, 0.049]; on one that is 7 nights "
        "older loses 0.090 [0.060, 0.120]. A loss is shown at 1 night and 7 nights. A pair with a node that the graph "
        "lacks has no score and ranks last; so many of the edges have one, by nights: 9 at 0, 14 at 1, 41 at 7.",
        "Not measured: the model of 30 nights (only 12 nights with a model before tonight); the graph of 30 nights "
        "(its model was collected).",
    )


def test_the_table_has_every_figure_and_the_picture_every_loss() -> None:
    section = section_of(staleness())
    [shown] = section.folded
    assert [[cell.text for cell in row] for row in shown.rows] == [
        ["model", "0", "2026-03-05 03:00", "0.470", "-", ""],
        ["model", "1", "2026-03-04 03:00", "0.468", "0.002", ""],
        ["model", "7", "2026-02-26 03:00", "0.449", "0.021", ""],
        ["graph", "0", "2026-03-05 03:00", "0.450", "-", "9"],
        ["graph", "1", "2026-03-04 03:00", "0.420", "0.030", "14"],
        ["graph", "7", "2026-02-26 03:00", "0.360", "0.090", "41"],
    ]
    assert section.pictures[0].label == (
        "model of an earlier night: 1 0.002 [-0.010, 0.014], 7 0.021 [0.004, 0.038]; champion on an earlier night's "
        "graph: 1 0.030 [0.011, 0.049], 7 0.090 [0.060, 0.120]"
    )


def test_one_curve_alone_is_shown_alone_and_a_model_that_lasts_says_up_to_when() -> None:
    found = staleness()
    section = section_of(found.model_copy(update={"models": found.models[:2], "graphs": (), "absent": {}}))
    assert len(section.sentences) == 2
    assert section.sentences[1].endswith("No loss is shown up to 1 night.")
    assert "champion" not in section.pictures[0].label


def test_what_was_left_out_for_one_reason_is_said_together() -> None:
    absent = {"model 7": "too few", "model 30": "too few", "graph 1": "no champion", "graph 7": "too few"}
    section = section_of(Staleness(metric="mrr", num_edges=0, absent=absent))
    assert section.sentences == (
        "Not measured: the models of 7 and 30 nights and the graph of 7 nights (too few); the graph of 1 night "
        "(no champion).",
    )
    assert (section.folded, section.pictures) == ((), ())


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        ((0.021, 0.004, 0.038), "loses 0.021 [0.004, 0.038]"),
        ((0.002, -0.01, 0.014), "loses 0.002 [-0.010, 0.014], which may be chance"),
        ((-0.002, -0.01, 0.006), "loses -0.002 [-0.010, 0.006], which may be chance"),
        ((-0.03, -0.05, -0.01), "gains 0.030 [0.010, 0.050]"),  # an older one can be better
    ],
)
def test_a_loss_says_whether_it_may_be_chance(loss: tuple[float, float, float], words: str) -> None:
    assert loss_in_words(Interval.of(loss)) == words


def test_a_night_without_ages_has_no_such_part() -> None:
    assert staleness_section(empty_story()) is None
    assert staleness_section(with_ages(None)) is None
    assert staleness_section(with_ages(Staleness(metric="mrr", num_edges=0))) is None
