"""Who answers a night: rules that learn nothing, boosted trees, and models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from benchmarks.evolving.night import Night, Scorer
from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.evaluation.heuristics import HEURISTICS
from ncnc_core.evaluation.recency_heuristics import RECENCY_HEURISTICS
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.any_network import AnyNetwork
from ncnc_core.networks.scoring import node_levels, score_pairs
from ncnc_core.recipes.automatic import automatic_config
from ncnc_core.training.trained_network import train_network
from pipeline.evaluation.boosted_trees import BoostedTrees

# What the pipeline trained on every graph before it chose a recipe: params.yaml of then.
FIXED_MODEL: dict[str, Any] = {"predictor": "ncnc", "hidden_channels": 64, "predictor_dropout": 0.1}
FIXED_TRAINING: dict[str, Any] = {"epochs": 30, "batch_size": 1024}
RULES = {**HEURISTICS, **RECENCY_HEURISTICS}
SEEDED = {
    "published": "NCNC as published",
    "fixed": "NCNC, the fixed recipe of before",
    "temporal": "temporal NCN, the automatic recipe",
}
METHODS: dict[str, str] = {
    **{name: name.replace("_", " ") for name in RULES},
    "boosted_trees": "boosted trees on our features and windows",
    **SEEDED,
}


@dataclass(frozen=True, eq=False)
class Learner:
    """How a method learns; `definition` is all that defines it, for the digest of its runs."""

    name: str

    def definition(self) -> object:
        """Return what is kept of a run's circumstances."""
        if self.name not in SEEDED or self.name == "temporal":
            return self.name
        model, training = self._recipe(0)
        return [model.model_dump(mode="json"), training.model_dump(mode="json")]

    def learnt(self, night: Night, seed: int) -> Scorer:
        """Learn what a night may know, and return what answers it."""
        times = night.times
        if self.name in HEURISTICS:
            return lambda pairs, graph: HEURISTICS[self.name](graph, pairs)  # type: ignore[index]
        if self.name in RECENCY_HEURISTICS:
            return lambda pairs, graph: RECENCY_HEURISTICS[self.name](graph, float(times.window), pairs)  # type: ignore[index]
        if self.name == "boosted_trees":
            trees = BoostedTrees.fitted(times)
            return lambda pairs, graph: trees.score(pairs, graph)
        if self.name == "temporal":
            found = automatic_config(times.history.graph_at(times.cut_train), window=times.window, seed=seed)
            return scorer(train_network(found.model, found.training, night.data).network)
        model, training = self._recipe(seed)
        return scorer(train_network(model, training, replace(night.data, times=None)).network)

    def _recipe(self, seed: int) -> tuple[ModelConfig, TrainingConfig]:
        if self.name == "published":
            training = TrainingConfig.as_published(**FIXED_TRAINING, seed=seed, encoder_learning_rate=0.005)
            return ModelConfig.as_published(**FIXED_MODEL | {"structural_features": True}), training
        return ModelConfig(**FIXED_MODEL), TrainingConfig(**FIXED_TRAINING, seed=seed)


def scorer(network: AnyNetwork) -> Scorer:
    """Return what scores pairs on a graph with a trained network."""

    def score(pairs: Tensor, graph: Adjacency) -> Tensor:
        return score_pairs(network, node_levels(network, None, graph), graph, pairs)

    return score
