from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipeline.params.params import Params
from pipeline.params.train import TrainParams


@pytest.mark.parametrize(
    ("content", "recipe"),
    [
        ({}, "auto"),
        ({"selection_metric": "auc"}, "auto"),
        ({"model": {}}, "given"),  # as files were written before there were recipes
        ({"training": {"epochs": 3}}, "given"),
        ({"recipe": "auto", "training": {"epochs": 3}}, "auto"),
        ({"recipe": "ddi"}, "ddi"),
    ],
)
def test_what_is_written_out_is_given_where_no_recipe_is_named(content: dict[str, object], recipe: str) -> None:
    assert TrainParams.model_validate(content).recipe == recipe


def test_an_unknown_recipe_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ValidationError, match=r"no recipe 'cra'\. Did you mean cora\? There are: auto, given, .*cora"):
        TrainParams.model_validate({"recipe": "cra"})


def test_only_what_is_set_beside_a_recipe_is_written_again() -> None:
    train = {"recipe": "auto", "model": {"hidden_channels": 16}, "training": {"seed": 0}}
    params = Params.model_validate({"train": train})
    written = params.model_dump(mode="json")["train"]
    assert (written["model"], written["training"]) == ({"hidden_channels": 16}, {"seed": 0})
    assert Params.model_validate(params.model_dump(mode="json", by_alias=True)) == params
    assert params.train.overrides() == ({"hidden_channels": 16}, {"seed": 0})


def test_a_given_recipe_is_written_with_every_field() -> None:
    written = TrainParams.model_validate({"model": {"hidden_channels": 16}}).model_dump(mode="json")
    assert written["recipe"] == "given"
    assert (written["model"]["predictor"], written["training"]["epochs"]) == ("ncnc", 30)
