from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ncnc_core.training_config import TrainingConfig


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"patience": 0},
        {"max_batch_fraction": 1.5},
        {"lr": 0.1},
        {"seed": 2**63},
        {"gradient_clip_norm": float("inf")},
    ],
)
def test_unknown_names_and_values_out_of_bounds_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        TrainingConfig.model_validate(wrong)
