from __future__ import annotations

import pytest

from pipeline.records.recipe import recipe_sentences
from tests.fixtures.night_stories import trained

REASONS = ("The edges have times: the model reads how recent things are.", "Set by params.yaml: training.epochs 3.")


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("auto", "The model is temporal_ncn, chosen for tonight's graph (train.recipe: auto)."),
        ("given", "The model is temporal_ncn, as params.yaml gives it (train.recipe: given)."),
        ("cora", "The model is temporal_ncn, by the published recipe cora (train.recipe: cora)."),
    ],
)
def test_a_recipe_says_which_model_it_is_who_chose_it_and_why(recipe: str, said: str) -> None:
    kept = {"predictor": "temporal_ncn", "recipe": recipe, "recipe_reasons": REASONS}
    assert recipe_sentences(trained().model_copy(update=kept)) == (said, *REASONS)


def test_a_record_of_before_the_recipe_was_kept_says_nothing() -> None:
    assert recipe_sentences(trained()) == ()
