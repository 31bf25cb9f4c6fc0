"""The recipe of a night: chosen for its graph, taken by name, or as params.yaml gives it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from pydantic import ValidationError

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.durations import spoken_seconds
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.recipes.automatic import automatic_config
from ncnc_core.recipes.estimate import CostEstimate
from ncnc_core.recipes.graph_traits import GraphTraits
from ncnc_core.recipes.recipe import recipe as named_recipe
from ncnc_core.training.data import TrainingData
from pipeline.errors import InvalidInput
from pipeline.params.train import AUTO, GIVEN, TrainParams

LONG_SECONDS, SHORT_SECONDS = 900.0, 300.0  # of one core: what is told to be long, and what is offered instead
MANY_NEW = 0.1  # of the validation edges have an end that no training edge has: new nodes are to be expected


@dataclass(frozen=True)
class ChosenRecipe:
    """`params` hold model and training written out; `name` is that of the recipe, and `reasons` say why it is this."""

    params: TrainParams
    name: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class ExpectedWork:
    """What a recipe costs on a night's graph, and where that is long how many epochs would be short."""

    estimate: CostEstimate
    short_epochs: int | None = None
    short_seconds: float = 0.0

    @classmethod
    def of(cls, params: TrainParams, data: TrainingData) -> ExpectedWork:
        """Estimate from the graph that training sees."""
        model, training = params.model, params.training
        traits = GraphTraits.of(training_graph(data), data.features, torch.Generator().manual_seed(training.seed))
        window = None if data.times is None else data.times.window
        estimate = CostEstimate.of(traits, model, training, window=window)
        if estimate.seconds <= LONG_SECONDS or training.epochs == 1:
            return cls(estimate)
        epochs = CostEstimate.epochs_within(SHORT_SECONDS, traits, model, training, window=window)
        shorter = CostEstimate.of(traits, model, training.model_copy(update={"epochs": epochs}), window=window)
        return cls(estimate, epochs, shorter.seconds)

    def lines(self) -> tuple[str, ...]:
        """Return what a person is told before the training begins."""
        if self.short_epochs is None:
            return (str(self.estimate),)
        shorter = (
            f"For a first look, some {spoken_seconds(self.short_seconds)}: train.training.epochs: {self.short_epochs} "
            f"in params.yaml, or --set train.training.epochs={self.short_epochs} of ncnc try."
        )
        return (str(self.estimate), shorter)


def chosen_recipe(params: TrainParams, data: TrainingData) -> ChosenRecipe:
    """Return the recipe for what training may see of a night; the same data gives the same.

    Raises:
        InvalidInput: what is set beside the recipe contradicts it.
    """
    if params.recipe == GIVEN:
        return ChosenRecipe(params, GIVEN, ())
    model, training = params.overrides()
    chosen_model, chosen_training, reasons = (
        _automatic(model, params, data) if params.recipe == AUTO else _named(params)
    )
    try:
        whole = TrainParams(
            selection_metric=params.selection_metric,
            warm_start=params.warm_start,
            cold_control=params.cold_control,
            recipe=GIVEN,
            model=ModelConfig.model_validate(chosen_model.model_dump() | model),
            training=TrainingConfig.model_validate(chosen_training.model_dump() | training),
        )
    except ValidationError as error:
        raise InvalidInput(
            f"train.recipe is {params.recipe}, and what train.model and train.training set beside it does not go with "
            f"it: {error.errors()[0]['msg']}. Leave it out, or set train.recipe: given and write both sections out."
        ) from error
    set_beside = [f"model.{key} {value}" for key, value in model.items()]
    set_beside += [f"training.{key} {value}" for key, value in training.items() if key != "seed"]
    if set_beside:
        reasons = (*reasons, f"Set by params.yaml: {', '.join(set_beside)}.")
    return ChosenRecipe(whole, params.recipe, reasons)


def training_graph(data: TrainingData) -> Adjacency:
    """Return the message graph of training, with the times of its edges where they are known."""
    return data.adjacency() if data.times is None else data.times.history.graph_at(data.times.cut_train)


def _automatic(
    model: dict[str, Any], params: TrainParams, data: TrainingData
) -> tuple[ModelConfig, TrainingConfig, tuple[str, ...]]:
    graph, wanted = training_graph(data), model.get("predictor")
    if wanted not in (None, "temporal_ncn"):
        graph = replace(graph, times=None)  # a predictor that reads no times was asked for
    found = automatic_config(
        graph,
        data.features,
        model=ModelConfig(predictor=wanted) if wanted == "temporal_ncn" else None,
        expects_new_nodes=_share_of_new(data) > MANY_NEW,
        window=None if data.times is None else data.times.window,
        seed=params.training.seed,
    )
    return found.model, found.training, found.reasons


def _named(params: TrainParams) -> tuple[ModelConfig, TrainingConfig, tuple[str, ...]]:
    found = named_recipe(params.recipe, params.model.predictor)
    return found.model, found.training, (f"The published settings of {params.recipe}.",)


def _share_of_new(data: TrainingData) -> float:
    """Return the share of validation edges with an end that has no training edge."""
    known = torch.zeros(data.num_nodes, dtype=torch.bool)
    known[data.message_edges.flatten()] = True
    return float((~known[data.valid_edges].all(0)).double().mean())
