from __future__ import annotations

import pytest

from ncnc_core.config.training import TrainingConfig
from ncnc_core.recipes import training_budget as module
from ncnc_core.recipes.training_budget import training_budget


@pytest.mark.parametrize("edges", [20_001, 33_333, 77_777, 123_457, 999_999, 9_999_999])
def test_above_the_bound_validation_is_a_fifth_at_most_and_the_budget_is_spent(edges: int) -> None:
    training = TrainingConfig(**training_budget(edges, []))
    each = training.pairs_per_epoch or edges
    assert training.valid_pairs is not None
    assert training.valid_pairs <= 0.2 * training.evaluate_every * 2 * each
    assert 0 <= training.epochs * each - max(module.UPDATES, 2 * edges) < each
    assert training.batch_size <= 0.1 * edges
    assert training.batch_size >= min(edges // module.EDGES_A_POSITIVE, module.MOST_BATCH)


def test_a_training_on_samples_has_a_budget_of_its_own() -> None:
    training = TrainingConfig(**training_budget(30_000_000, [], samples=True))
    assert (training.epochs, training.pairs_per_epoch, training.valid_pairs) == (20, 1_000_000, 400_000)


def test_up_to_the_bound_there_is_none() -> None:
    reasons: list[str] = []
    assert training_budget(module.SMALL_EDGES, reasons) == {"batch_size": 2000, "epochs": 100, "patience": 20}
    assert reasons == ["Batches of 2000 edges, 10% of all, and at most 100 epochs: 1000 steps."]
