from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from ncnc_core.config.model import READ_BY_TEMPORAL_NCN
from ncnc_core.recipes.automatic import TEMPORAL_MODEL, TEMPORAL_TRAINING
from pipeline.errors import InvalidInput
from pipeline.params.params import Params, TrainParams
from pipeline.training.search_space import (
    DEFAULT_SPACE,
    TEMPORAL_SPACE,
    default_space,
    fragment,
    load_space,
    with_values,
)

SPACE = """
parameters:
  model.hidden_channels: {choices: [16, 32]}
  training.encoder_learning_rate: {low: 0.001, high: 0.1, log: true}
  training.negatives_per_positive: {low: 1, high: 3, integer: true}
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "space.yaml"
    path.write_text(text)
    return path


def test_every_draw_makes_params_that_load(tmp_path: Path) -> None:
    space = load_space(written(tmp_path, SPACE))
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(20):
        drawn = space.draw(study.ask())
        train = with_values(Params(), drawn).train
        assert train.model.hidden_channels == drawn["model.hidden_channels"] in (16, 32)
        assert 0.001 <= train.training.encoder_learning_rate <= 0.1
        assert train.training.negatives_per_positive in (1, 2, 3)


def test_the_default_space_holds_the_default_parameters() -> None:
    assert default_space("ncnc") is default_space("ncn") is DEFAULT_SPACE
    present = DEFAULT_SPACE.present(TrainParams())
    assert present is not None
    assert present["model.hidden_channels"] == 64


def test_the_space_of_a_temporal_model_holds_its_recipe_and_what_it_reads() -> None:
    space = default_space("temporal_ncn")
    assert space is TEMPORAL_SPACE
    train = TrainParams.model_validate({"model": TEMPORAL_MODEL, "training": TEMPORAL_TRAINING})
    assert space.present(train) == {
        "model.hidden_channels": 32,
        "model.predictor_dropout": 0.2,
        "training.predictor_learning_rate": 0.002,
        "training.negatives_per_positive": 8,
        "training.windows": 6,
        "training.epochs": 12,
    }
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(10):
        drawn = with_values(Params.model_validate({"train": {"recipe": "auto"}}), space.draw(study.ask()))
        model, training = drawn.train.overrides()
        assert set(model) <= READ_BY_TEMPORAL_NCN
        assert training["negatives_per_positive"] % 2 == 0


def test_parameters_outside_the_space_are_not_where_it_begins(tmp_path: Path) -> None:
    assert load_space(written(tmp_path, SPACE)).present(TrainParams()) is None  # 64 channels are no choice here


def test_the_fragment_is_what_params_yaml_takes() -> None:
    values = {"model.hidden_channels": 32, "training.epochs": 5}
    assert fragment(values) == {"train": {"model": {"hidden_channels": 32}, "training": {"epochs": 5}}}
    given = Params.model_validate({"train": {"recipe": "given"}})
    assert with_values(given, values) == Params.model_validate(fragment(values))


@pytest.mark.parametrize("recipe", ["auto", "cora"])
def test_the_fragment_of_a_search_beside_a_recipe_overrides_it(recipe: str) -> None:
    values = {"model.hidden_channels": 32, "training.epochs": 5}
    written = fragment(values, recipe)
    sections = {"model": {"hidden_channels": 32}, "training": {"epochs": 5}}
    assert written == {"train": {"recipe": recipe, **sections}}
    train = Params.model_validate(written).train
    assert (train.recipe, train.overrides()) == (recipe, (sections["model"], sections["training"]))
    assert with_values(Params.model_validate({"train": {"recipe": recipe}}), values).train == train


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "parameters: {model.hiden_channels: {choices: [1]}}",
            r"no parameter.*mean model\.hidden_channels",
        ),
        ("parameters: {model.beta: {low: 2, high: 1}}", r"low 2 is not below high 1: swap them"),
        ("parameters: {model.beta: {low: 0, high: 1, log: true}}", r"must start above 0, and low is 0\.0: raise low"),
        ("parameters: {model.beta: {low: 1}}", r"either choices, or both low and high"),
        ("parameters: {}", r"at least 1"),
        ("parameters: {model.beta: {choices: [1], lo: 3}}", r"lo: Extra inputs"),
    ],
)
def test_a_wrong_space_is_refused_with_its_remedy(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=rf"space\.yaml is no search space.*{said}"):
        load_space(written(tmp_path, text))


def test_a_space_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no search space at .*none\.yaml\. docs/training\.md has one"):
        load_space(tmp_path / "none.yaml")


def test_a_value_out_of_bounds_says_which_and_what_to_do() -> None:
    with pytest.raises(InvalidInput, match=r"train\.model\.predictor_dropout = 1\.5.*Narrow its range"):
        with_values(Params(), {"model.predictor_dropout": 1.5})
