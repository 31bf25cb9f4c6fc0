from __future__ import annotations

import pytest

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.recipes.estimate import CostEstimate
from ncnc_core.recipes.graph_traits import GraphTraits

TRAITS = GraphTraits(
    num_nodes=10_000, num_edges=90_000, edge_degree=30.0, closed_share=0.6, num_features=0, feature_density=1.0,
    has_ids=False, has_weights=False, arrivals=None, has_directions=False,
)  # fmt: skip
NCN = ModelConfig(predictor="ncn")
TRAINING = TrainingConfig(epochs=4, batch_size=9000)


def estimate(model: ModelConfig = NCN, **changes: object) -> CostEstimate:
    return CostEstimate.of(TRAITS, model, TRAINING.model_copy(update=changes))


def test_pairs_are_those_of_all_epochs_and_of_a_tenth_that_validates() -> None:
    found = estimate()
    assert (found.trained, found.scored) == (4 * 90_000 * 2, 4 * 510_000 + 510_000)
    # each pair, and in each of 40 steps each edge
    assert found.seconds == pytest.approx((720_000 + 2_550_000) * 10e-6 + 40 * 90_000 * 0.5e-6)
    assert str(found) == ("At most 720,000 pairs are trained on and about 2,550,000 scored: some 34 s of one core.")


# one setting each: pairs trained on, and pairs scored
@pytest.mark.parametrize(
    ("changes", "trained", "scored"),
    [
        ({"pairs_per_epoch": 1000}, 8_000, 2_550_000),
        ({"negatives_per_positive": 3}, 1_440_000, 2_550_000),
        ({"valid_pairs": 40_000}, 720_000, 670_000),
        ({"valid_pairs": 40_000, "evaluate_every": 3}, 720_000, 590_000),
        ({"valid_pairs": 40_000, "calibrate_completion": True}, 720_000, 710_000),
        ({"valid_pairs": 10**9}, 720_000, 2_550_000),
    ],
)
def test_settings_change_the_pairs(changes: dict[str, object], trained: int, scored: int) -> None:
    found = estimate(**changes)
    assert (found.trained, found.scored) == (trained, scored)


def test_completion_is_most_of_the_cost_until_its_cap() -> None:
    plain = estimate(neighbor_fan_out=(5,))  # no pass over all edges
    capped, whole, off = (
        estimate(ModelConfig(**changes), neighbor_fan_out=(5,))
        for changes in ({}, {"completion_max_neighbors": None}, {"completion_alpha": 0.0})
    )
    assert capped.seconds == pytest.approx(plain.seconds * (10 + 2 * 32) / 10)
    assert whole.seconds == pytest.approx(plain.seconds * (10 + 2 * 60) / 10)
    assert off.seconds == plain.seconds


def test_fewer_epochs_are_those_that_fit_and_one_at_the_least() -> None:
    seconds = estimate(epochs=3).seconds
    assert CostEstimate.epochs_within(seconds, TRAITS, NCN, TRAINING) == 3
    assert CostEstimate.epochs_within(seconds - 0.1, TRAITS, NCN, TRAINING) == 2
    assert CostEstimate.epochs_within(0.0, TRAITS, NCN, TRAINING) == 1


TEMPORAL = ModelConfig(predictor="temporal_ncn", hidden_channels=32)


def test_windows_are_read_learned_from_and_ranked_in_both_phases() -> None:
    training = TrainingConfig(epochs=12, negatives_per_positive=8, evaluate_every=4, valid_pairs=40_000)
    found = CostEstimate.of(TRAITS, TEMPORAL, training, window=10_000)
    # two phases of 12 epochs over 6 windows of 1,500 positives; two validations on the sample, and one on all
    assert (found.trained, found.scored) == (2 * 12 * 6 * 1500 * 9, 2 * 40_000 + 510_000)
    assert found.seconds == pytest.approx(1_944_000 * 10.5e-6 + 590_000 * 6.5e-6 + 13 * 90_000 * 2e-6)
    once = CostEstimate.of(TRAITS, TEMPORAL, training.model_copy(update={"refit": False}), window=10_000)
    assert once.trained == found.trained / 2


# one row each: validating edges, windows there are room for
@pytest.mark.parametrize(("window", "windows"), [(45_000, 1), (30_000, 2), (10_000, 6), (None, 6)])
def test_there_are_as_many_windows_as_fit_before_the_cut(window: int | None, windows: int) -> None:
    found = CostEstimate.of(TRAITS, TEMPORAL, TrainingConfig(epochs=1), window=window)
    assert found.trained == 2 * windows * 1500 * 2


def test_a_shorter_training_on_windows_is_found_for_the_same_window() -> None:
    training = TrainingConfig(epochs=12, negatives_per_positive=8)
    wanted = CostEstimate.of(TRAITS, TEMPORAL, training.model_copy(update={"epochs": 5}), window=10_000).seconds
    assert CostEstimate.epochs_within(wanted, TRAITS, TEMPORAL, training, window=10_000) == 5
