from dataclasses import replace

from pipeline.records import WarmStart
from pipeline.report.model_sections import reliability_section, sensitivity_section, training_section
from tests.night_stories import AS_OF, empty_story, full_story, report, trained


def test_a_training_without_history_or_from_a_warm_start_says_so() -> None:
    start = WarmStart(version=2, as_of=AS_OF, files=(), known_nodes=2985, new_nodes=15, valid_edges_seen=7)
    bare = trained().model_copy(update={"history": (), "warm_start": start, "start_note": "other channels"})
    section = training_section(replace(full_story(), trained=bare))
    assert section is not None
    assert section.pictures == ()
    assert section.sentences[1:] == (
        "Began from the weights of version 2: 2,985 nodes known to it, 15 new. It had seen 7 of the validation edges.",
        "Did not begin warm: other channels.",
        "The record holds no history of the epochs.",
    )


def test_the_lowest_disturbed_score_is_named() -> None:
    section = sensitivity_section(full_story())
    assert section is not None
    assert "-0.060 MRR for challenger, add 5% of the message edges" in section.sentences[0]


def test_reliability_is_told_of_every_model_that_states_a_probability() -> None:
    section = reliability_section(full_story())
    assert section is not None
    assert section.sentences[0] == (
        "Challenger: expected calibration error 0.040 [0.030, 0.050], Brier score 0.120 [0.110, 0.130]."
    )
    assert len(section.folded[0].rows) == 30  # three models, ten bins each
    bare = report().model_copy(update={"champion": None, "cold_control": None})
    silent = bare.model_copy(update={"challenger": bare.challenger.model_copy(update={"reliability": ()})})
    assert reliability_section(replace(full_story(), report=silent)) is None


def test_a_night_that_was_not_evaluated_has_none_of_these() -> None:
    for section in (training_section, reliability_section, sensitivity_section):
        assert section(empty_story()) is None
