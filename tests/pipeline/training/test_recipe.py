"""The recipe of a night on a graph whose edges have times, and on one that has none."""

from __future__ import annotations

import pytest
import torch

from ncnc_core.graph.event_history import EventHistory
from ncnc_core.recipes.automatic import TEMPORAL_MODEL, TEMPORAL_TRAINING
from ncnc_core.recipes.recipe import recipe as named_recipe
from ncnc_core.training.data import TemporalData, TrainingData
from pipeline.errors import InvalidInput
from pipeline.params.train import TrainParams
from pipeline.training import recipe as recipe_module
from pipeline.training.recipe import ExpectedWork, chosen_recipe, training_graph
from tests.fixtures.evolving_graphs import active_groups

NODES, CUT_TRAIN, CUT_VALID = 60, 500, 560
EDGES, TIME = active_groups(nodes=NODES, edges=600, group=15)


def data(*, timed: bool = True) -> TrainingData:
    history = EventHistory.of_events(EDGES[:, :CUT_VALID], TIME[:CUT_VALID], NODES)
    times = TemporalData(history, int(TIME[CUT_TRAIN - 1]), int(TIME[CUT_VALID - 1]))
    valid = EDGES[:, CUT_TRAIN:CUT_VALID]
    return TrainingData(
        train_edges=EDGES[:, :CUT_TRAIN],
        num_nodes=NODES,
        features=None,
        valid_edges=valid,
        valid_negatives=valid.flip(0).repeat_interleave(5, 1),
        forbidden_keys=torch.zeros(0, dtype=torch.int64),
        times=times if timed else None,
    )


def params(**train: object) -> TrainParams:
    return TrainParams.model_validate(train)


def test_where_edges_have_times_the_temporal_model_is_chosen_and_written_out() -> None:
    found = chosen_recipe(params(recipe="auto", training={"seed": 3}), data())
    assert (found.name, found.params.recipe) == ("auto", "given")
    assert TEMPORAL_MODEL.items() <= found.params.model.model_dump().items()
    assert (TEMPORAL_TRAINING | {"seed": 3}).items() <= found.params.training.model_dump().items()
    assert len(found.reasons) == 1
    assert found.reasons[0].startswith("The edges have times")


def test_without_times_a_published_predictor_is_chosen() -> None:
    found = chosen_recipe(params(recipe="auto"), data(timed=False))
    assert found.params.model.predictor in ("ncn", "ncnc")
    assert training_graph(data(timed=False)).times is None
    assert training_graph(data()).num_edges == CUT_TRAIN


def test_what_is_set_beside_a_recipe_overrides_it_and_is_said() -> None:
    beside = {"model": {"hidden_channels": 8}, "training": {"epochs": 3, "seed": 1}}
    found = chosen_recipe(params(recipe="auto", **beside), data())
    assert (found.params.model.hidden_channels, found.params.training.epochs) == (8, 3)
    assert found.params.training.batch_size == TEMPORAL_TRAINING["batch_size"]
    assert found.reasons[-1] == "Set by params.yaml: model.hidden_channels 8, training.epochs 3."


def test_a_predictor_that_is_asked_for_is_kept_and_the_rest_chosen_for_it() -> None:
    plain = chosen_recipe(params(recipe="auto", model={"predictor": "ncn"}), data())
    assert plain.params.model.predictor == "ncn"
    assert plain.params.training == chosen_recipe(params(recipe="auto"), data(timed=False)).params.training.model_copy(
        update={"calibrate_completion": plain.params.training.calibrate_completion}
    )
    timed = chosen_recipe(params(recipe="auto", model={"predictor": "temporal_ncn"}), data())
    assert timed.params.training.loss == TEMPORAL_TRAINING["loss"]
    assert "The model is as given; only its training is chosen." in timed.reasons


def test_a_named_recipe_is_the_published_one_with_its_overrides() -> None:
    found = chosen_recipe(params(recipe="cora", training={"epochs": 2}), data(timed=False))
    published = named_recipe("cora", "ncnc")
    assert found.params.model == published.model
    assert found.params.training == published.training.model_copy(update={"epochs": 2})
    assert found.reasons[0] == "The published settings of cora."


def test_a_given_recipe_is_left_as_it_is_and_needs_no_reason() -> None:
    given = params(recipe="given", model={"hidden_channels": 8})
    found = chosen_recipe(given, data())
    assert (found.params, found.name, found.reasons) == (given, "given", ())


def test_an_override_that_the_chosen_model_does_not_read_is_refused_with_its_remedy() -> None:
    with pytest.raises(
        InvalidInput, match=r"train\.recipe is auto.*not num_layers.*Leave it out, or set train\.recipe"
    ):
        chosen_recipe(params(recipe="auto", model={"num_layers": 3}), data())


def test_what_a_long_training_costs_is_said_with_a_shorter_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    found = chosen_recipe(params(recipe="auto"), data(timed=False)).params
    expected = ExpectedWork.of(found, data(timed=False))
    assert expected.lines() == (str(expected.estimate),)  # seconds: nothing to shorten
    monkeypatch.setattr(recipe_module, "LONG_SECONDS", expected.estimate.seconds / 2)
    monkeypatch.setattr(recipe_module, "SHORT_SECONDS", expected.estimate.seconds / 3)
    longer = ExpectedWork.of(found, data(timed=False))
    assert longer.short_epochs is not None
    assert 1 < longer.short_epochs < found.training.epochs / 2
    assert f"--set train.training.epochs={longer.short_epochs} of ncnc try" in longer.lines()[1]


def test_a_training_on_windows_is_told_beforehand_too() -> None:
    asked = data()
    assert asked.times is not None
    found = chosen_recipe(params(recipe="auto"), asked).params
    expected = ExpectedWork.of(found, asked)
    assert found.model.predictor == "temporal_ncn"
    assert expected.estimate.scored >= 51 * asked.times.window
    assert expected.lines() == (str(expected.estimate),)
