from dataclasses import replace

import pytest

from pipeline.records.chain import WarmStart
from pipeline.records.scores import Interval
from pipeline.report.model_sections import reliability_section, sensitivity_section, training_section
from tests.fixtures.night_stories import AS_OF, empty_story, evaluation, full_story, trained

START = WarmStart(version=2, as_of=AS_OF, files=(), known_nodes=2985, new_nodes=15, valid_edges_seen=7)


def sentences_of(start: WarmStart, drift: Interval | None) -> tuple[str, ...]:
    warm = trained().model_copy(update={"warm_start": start})
    evaluated = evaluation().model_copy(update={"drift": drift})
    section = training_section(replace(full_story(), trained=warm, evaluation=evaluated))
    assert section is not None
    return section.sentences


def test_a_training_without_history_or_from_a_warm_start_says_so() -> None:
    bare = trained().model_copy(update={"history": (), "warm_start": START, "start_note": "other channels"})
    section = training_section(replace(full_story(), trained=bare, evaluation=None))
    assert section is not None
    assert section.pictures == ()
    assert section.sentences[1:] == (
        "Began from the weights of version 2: 2,985 nodes known to it, 15 new. Of the 1,400 validation edges it had "
        "seen 7; its split could not be read, so it is not known how many of them it was trained on.",
        "It was not compared with a cold-start control: the night was not evaluated.",
        "Did not begin warm: other channels.",
        "Node features are read as they were delivered (train.model.standardize_features; never for mostly zeros).",
        "The record holds no history of the epochs.",
    )


def test_a_training_begins_with_its_recipe_and_the_reasons() -> None:
    kept = {"predictor": "temporal_ncn", "recipe": "auto", "recipe_reasons": ("The edges have times.",)}
    section = training_section(replace(full_story(), trained=trained().model_copy(update=kept)))
    assert section is not None
    assert section.sentences[:2] == (
        "The model is temporal_ncn, chosen for tonight's graph (train.recipe: auto).",
        "The edges have times.",
    )
    assert section.sentences[2].startswith("30 epochs; epoch 20 is the best")


def test_standardised_features_are_said_to_be() -> None:
    scaled = trained().model_copy(update={"standardized_features": 33})
    section = training_section(replace(full_story(), trained=scaled))
    assert section is not None
    said = "33 node features are standardised, by their mean and deviation at the training cut."
    assert section.sentences[-1] == said


@pytest.mark.parametrize(
    ("trained_on", "said"),
    [
        (None, "its split could not be read, so it is not known how many of them it was trained on."),
        (0, "it was trained on none of them, so the validation metric is not affected."),
        (5, "it was trained on 5 of them, so the validation metric and the calibration look too good."),
    ],
)
def test_a_warm_start_tells_the_edges_that_flatter_from_those_merely_seen(trained_on: int | None, said: str) -> None:
    start = START.model_copy(update={"valid_edges_trained_on": trained_on})
    assert sentences_of(start, None)[1].endswith(f"it had seen 7; {said}")


@pytest.mark.parametrize(
    ("drift", "said"),
    [
        (Interval(value=-0.02, low=-0.03, high=-0.01), "-0.020 [-0.030, -0.010] MRR; the warm start has cost "
         "quality: begin cold once (train.warm_start: none)."),
        (Interval(value=0.02, low=0.01, high=0.03), "+0.020 [+0.010, +0.030] MRR; the warm start has gained quality."),
        (Interval(value=0.01, low=-0.01, high=0.03), "+0.010 [-0.010, +0.030] MRR; the two cannot be told apart."),
    ],
)  # fmt: skip
def test_the_difference_to_the_control_has_its_interval_and_says_what_to_do(drift: Interval, said: str) -> None:
    assert sentences_of(START, drift)[2] == f"This model minus its cold-start control: {said}"


def test_a_warm_night_without_a_control_says_so() -> None:
    assert "none was trained (train.cold_control)" in sentences_of(START, None)[2]


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
    bare = evaluation().model_copy(update={"champion": None, "cold_control": None})
    silent = bare.model_copy(update={"challenger": bare.challenger.model_copy(update={"reliability": ()})})
    assert reliability_section(replace(full_story(), evaluation=silent)) is None


def test_a_night_that_was_not_evaluated_has_none_of_these() -> None:
    for section in (training_section, reliability_section, sensitivity_section):
        assert section(empty_story()) is None
