from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ncnc_core.config.training import TrainingConfig


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"patience": 0},
        {"max_batch_fraction": 1.5},
        {"lr": 0.1},
        {"seed": 2**63},
        {"gradient_clip_norm": float("inf")},
        {"loss": "mse"},
        {"target_link_removal": True},
        {"precision": "float16"},
        {"encoder_learning_rate": -0.1},
        {"predictor_learning_rate": 0},
        {"pairs_per_epoch": 0},
        {"windows": 0},
        {"refit": "once"},
    ],
)
def test_unknown_names_and_values_out_of_bounds_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        TrainingConfig.model_validate(wrong)


def test_published_recipe_turns_every_switch_its_way_and_takes_the_data_sets_own_values() -> None:
    published = TrainingConfig.as_published(batch_size=1152, epochs=100)
    switches = {name: value for name, value in published.model_dump().items() if name.endswith("as_published")}
    assert switches == dict.fromkeys(switches, True)
    assert len(switches) == 2
    assert (published.batch_size, published.epochs) == (1152, 100)
    assert (published.loss, published.target_link_removal) == ("bce", "batch")
    assert published.patience > published.epochs  # the published code stops at the last epoch only


def test_published_recipe_can_be_overridden_within_bounds() -> None:
    assert TrainingConfig.as_published(target_link_removal="off").target_link_removal == "off"
    with pytest.raises(ValidationError, match="epochs"):
        TrainingConfig.as_published(epochs=0)


def test_completion_is_not_calibrated_on_samples() -> None:
    with pytest.raises(
        ValidationError, match=r"neighbor_fan_out \[5\] trains on samples.*Set calibrate_completion: false"
    ):
        TrainingConfig(calibrate_completion=True, neighbor_fan_out=(5,))
