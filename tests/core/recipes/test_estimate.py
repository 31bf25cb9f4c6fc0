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
