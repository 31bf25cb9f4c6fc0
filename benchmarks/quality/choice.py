"""Choosing among candidates by validation, and grading the choice; the chooser is never handed the exam."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from benchmarks.quality.protocol import LearningSide
from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.scoring import node_levels, score_pairs
from ncnc_core.training.trained_network import TrainedNetwork, train_network

# Fields that came after the kept runs, with the values that leave a run what it was: these are no part of a definition.
LATER_FIELDS = {
    "standardize_features": False, "spectral_proximity": False, "edge_directions": False, "windows": 6, "refit": True,
}  # fmt: skip


@dataclass(frozen=True)
class Candidate:
    """A model and how it is trained, under a name; `start` is trained first, and gives the weights to set out from."""

    name: str
    model: ModelConfig
    training: TrainingConfig
    start: Candidate | None = None

    def definition(self) -> dict[str, object]:
        """Return all that defines it, as JSON."""
        return {
            "model": _without_later_fields(self.model.model_dump(mode="json")),
            "training": _without_later_fields(self.training.model_dump(mode="json")),
            "start": None if self.start is None else self.start.definition(),
        }

    def within(self, most_epochs: int | None) -> Candidate:
        """Return the candidate with a training of so many epochs at most; None: as it is."""
        if most_epochs is None:
            return self
        shorter = self.training.model_copy(update={"epochs": min(most_epochs, self.training.epochs)})
        return Candidate(self.name, self.model, shorter, self.start and self.start.within(most_epochs))

    def train(self, learning: LearningSide, seed: int, device: torch.device | str = "cpu") -> TrainedNetwork:
        """Train on the learning side, whose one metric chooses the epoch."""
        start = None if self.start is None else self.start.train(learning, seed, device).network.state_dict()
        return train_network(
            self.model,
            self.training.model_copy(update={"seed": seed}),
            learning.training_data(),
            selection_metric=learning.selection_metric,
            device=device,
            initial_weights=start,
        )


@dataclass(frozen=True, eq=False)
class Choice:
    """The candidate that did best on validation, trained."""

    candidate: Candidate
    trained: TrainedNetwork

    @property
    def validated(self) -> float:
        """The value on validation: of the best epoch, or of the completion fitted after it."""
        calibration = self.trained.calibration
        return self.trained.best_value if calibration is None else calibration.chosen.value

    def scorer(self, learning: LearningSide, device: torch.device | str = "cpu") -> partial[Tensor]:
        """Return a function from pairs [2, pairs] to logits [pairs], on the message graph."""
        return partial(_score, self.trained, learning, learning.adjacency().to(device), torch.device(device))


def choose(
    candidates: list[Candidate], learning: LearningSide, seed: int, device: torch.device | str = "cpu"
) -> Choice:
    """Choose among candidates by validation, and train the choice with the seed.

    Where there are several, one half of validation chooses each one's epoch and the other half judges it: the best of
    many epochs is too good on the pairs that chose it, the more so the more a training wavers. The first of equals is
    taken, and trained again with the whole of validation to choose its epoch.

    Raises:
        InvalidGraph: there is no candidate.
    """
    if not candidates:
        raise InvalidGraph("There are 0 candidates to choose from. Give at least one.")
    winner = candidates[0]
    if len(candidates) > 1:
        winner = max(candidates, key=lambda candidate: _judged(candidate, learning, seed, device))
    return Choice(winner, winner.train(learning, seed, device))


def _judged(candidate: Candidate, learning: LearningSide, seed: int, device: torch.device | str) -> float:
    first, judge = learning.halves()
    return judge.grade(Choice(candidate, candidate.train(first, seed, device)).scorer(first, device))


def _score(
    trained: TrainedNetwork, learning: LearningSide, adjacency: Adjacency, device: torch.device, pairs: Tensor
) -> Tensor:
    features = None if learning.features is None else learning.features.to(device)
    levels = node_levels(trained.network, features, adjacency)
    return score_pairs(trained.network, levels, adjacency, pairs.to(device)).cpu()


def _without_later_fields(fields: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if LATER_FIELDS.get(name, ...) != value}
