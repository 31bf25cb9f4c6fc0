from dataclasses import replace

from pipeline.records.evaluation import FeatureImportance
from pipeline.records.scores import SliceScores
from pipeline.report.night_story import NightStory
from pipeline.report.temporal_sections import activity_section, importance_section
from tests.fixtures.night_stories import around, empty_story, evaluation, full_story


def resting_on(**falls: float) -> NightStory:
    found = tuple(
        FeatureImportance(group=group, metric="mrr", fall=around(fall, 0.02), num_edges=400)
        for group, fall in falls.items()
    )
    return replace(full_story(), evaluation=evaluation().model_copy(update={"feature_importance": found}))


def test_the_group_that_the_model_rests_on_comes_first_and_the_idle_ones_are_named() -> None:
    section = importance_section(full_story())
    assert section is not None
    assert "shuffled among 245 test edges and their negatives, and the challenger's MRR fell" in section.sentences[0]
    assert section.sentences[1] == (
        "It rests most on activity of the ends: +0.210 [+0.190, +0.230] MRR. Nothing shows that it needs overlap."
    )
    [shown] = section.folded
    assert [[row[0].text, row[1].text, row[1].bounds] for row in shown.rows] == [
        ["activity of the ends", "+0.210", "[+0.190, +0.230]"],
        ["paths of three steps", "+0.030", "[+0.010, +0.050]"],
        ["overlap", "+0.010", "[-0.010, +0.030]"],
    ]
    assert section.pictures[0].label.startswith("activity of the ends +0.210")


def test_a_model_that_needs_every_group_or_none_says_so() -> None:
    needed, idle = importance_section(resting_on(overlap=0.1, paths=0.2)), importance_section(resting_on(overlap=0.01))
    assert needed is not None
    assert idle is not None
    assert needed.sentences[1] == "It rests most on paths: +0.200 [+0.180, +0.220] MRR."
    assert idle.sentences[1] == "No fall is provably above 0: the model rests on no single group."


def test_the_bins_of_activity_have_both_scorers_and_their_counts() -> None:
    section = activity_section(full_story())
    assert section is not None
    [shown] = section.folded
    best = "adamic adar, best of the floor"
    assert shown.header == ("windows ago", "edges", "challenger", best)
    assert [[cell.text for cell in row] for row in shown.rows] == [
        ["0-0.1", "120", "0.560", "0.420"],
        ["0.1-0.5", "81", "0.430", "0.290"],
        ["never", "44", "0.190", "0.050"],
    ]
    assert f"{best}: 0-0.1 0.420 [0.403, 0.437]" in section.pictures[0].label


def test_an_empty_bin_has_its_count_alone_and_an_older_record_no_floor() -> None:
    empty = SliceScores(kind="activity", name="0.5-2", num_edges=0, metric="mrr", challenger=None)
    old = SliceScores(kind="activity", name="2-8", num_edges=9, metric="mrr", challenger=around(0.5))
    record = evaluation().model_copy(update={"slices": (empty, old)})
    section = activity_section(replace(full_story(), evaluation=record))
    assert section is not None
    assert section.folded[0].header == ("windows ago", "edges", "challenger")
    assert [[cell.text for cell in row] for row in section.folded[0].rows] == [
        ["0.5-2", "0", "-"],
        ["2-8", "9", "0.500"],
    ]
    assert section.pictures[0].label == "challenger: 2-8 0.500 [0.470, 0.530]"


def test_a_night_without_times_or_without_an_evaluation_has_neither() -> None:
    plain = evaluation().model_copy(update={"slices": (), "feature_importance": ()})
    for section in (importance_section, activity_section):
        assert section(empty_story()) is None
        assert section(replace(full_story(), evaluation=plain)) is None
