from dataclasses import replace

from pipeline.records.scores import Interval, PairedComparison
from pipeline.report.night_story import NightStory
from pipeline.report.score_sections import (
    comparison_section,
    scores_section,
    slices_section,
    warm_and_cold_section,
)
from tests.fixtures.gate_evaluations import warm_and_cold
from tests.fixtures.night_stories import empty_story, evaluation, full_story


def story_with(**changes: object) -> NightStory:
    return replace(full_story(), evaluation=evaluation().model_copy(update=changes))


def test_every_scorer_and_every_metric_is_in_the_table() -> None:
    section = scores_section(full_story())
    assert section is not None
    [shown] = section.tables
    assert shown.header == ("metric", "challenger", "champion, version 2", "cold-start control", "common neighbors",
                            "adamic adar", "preferential attachment")  # fmt: skip
    metrics = [row[0].text for row in shown.rows]
    assert (metrics[0], metrics[3], metrics[-3:]) == ("MRR", "Hits@10", ["average precision", "Brier", "ECE"])
    assert shown.rows[-1][-1].text == "-"  # a heuristic states no probability
    assert "95% interval" in section.sentences[0]


def test_the_widths_of_the_two_intervals_say_whether_edges_move_together() -> None:
    section = comparison_section(full_story())
    assert section is not None
    assert "one-sided p\u00a0=\u00a00.012" in section.sentences[0]
    assert "1.43 times as wide as by edge: edges that share a node move together" in section.sentences[1]
    assert [row[0].text for row in section.tables[0].rows] == ["edge", "node (read by the gate)"]
    paired = evaluation().paired
    assert paired is not None
    alike = story_with(paired=paired.model_copy(update={"by_node": paired.by_edge}))
    assert "matters little here" in comparison_section(alike).sentences[1]  # type: ignore[union-attr]
    point = Interval(value=0, low=0, high=0)
    same = PairedComparison.model_validate(
        paired.model_dump() | {"by_edge": point, "by_node": point, "difference": point}
    )
    assert "do not differ" in comparison_section(story_with(paired=same)).sentences[1]  # type: ignore[union-attr]


def test_a_warm_challengers_control_stands_beside_the_difference() -> None:
    section = comparison_section(story_with(drift=Interval(value=-0.01, low=-0.02, high=0.005)))
    assert section is not None
    assert section.sentences[-1].endswith("minus its cold-start control: -0.010 [-0.020, +0.005] MRR.")
    assert "minus control" in section.pictures[0].label


def test_a_champion_that_cannot_be_compared_is_named_with_the_reason() -> None:
    section = comparison_section(story_with(paired=None, champion_note="other features"))
    assert section is not None
    assert section.sentences == ("Not compared: other features.",)
    assert comparison_section(story_with(champion=None)) is None


def test_slices_have_counts_and_a_difference_only_where_there_is_a_champion() -> None:
    section = slices_section(full_story())
    assert section is not None
    assert [cell.text for cell in section.tables[0].rows[0]][:3] == ["degree: 1-2", "31", "0.220"]
    assert len(section.pictures) == 2
    alone = slices_section(replace(full_story(), evaluation=evaluation(champion=False)))
    assert alone is not None
    assert len(alone.pictures) == 1


def test_warm_and_cold_edges_stand_apart_with_what_cold_ones_can_reach() -> None:
    section = warm_and_cold_section(story_with(warm_and_cold=warm_and_cold(warm=300)))
    assert section is not None
    [shown] = section.tables
    assert shown.header[:5] == ("edges", "count", "metric", "challenger", "champion")
    assert [[cell.text for cell in row[:5]] for row in shown.rows] == [
        ["warm", "300", "MRR", "0.650", "0.590"],
        ["cold", "100", "MRR", "0.120", "0.060"],
    ]
    assert "35% of the test negatives touch a node without any message edge" in section.sentences[0]
    assert "Cold edges can reach an MRR of 0.140 at most" in section.sentences[1]


def test_nothing_is_said_of_what_cold_edges_can_reach_where_it_is_not_known() -> None:
    apart = warm_and_cold(warm=300).model_copy(update={"cold_attainable_mrr": None})
    section = warm_and_cold_section(story_with(warm_and_cold=apart))
    assert section is not None
    assert len(section.sentences) == 1
    assert warm_and_cold_section(full_story()) is not None
    assert warm_and_cold_section(story_with(warm_and_cold=None)) is None


def test_a_night_that_was_not_evaluated_has_none_of_these() -> None:
    for section in (scores_section, comparison_section, slices_section, warm_and_cold_section):
        assert section(empty_story()) is None
