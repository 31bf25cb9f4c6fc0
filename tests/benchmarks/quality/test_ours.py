from __future__ import annotations

import pytest

from benchmarks.quality.ours import ours
from benchmarks.quality.protocol import PROTOCOLS


@pytest.mark.parametrize("data", list(PROTOCOLS))
def test_the_plain_model_is_the_first_candidate(data: str) -> None:
    first, *others = ours(data)
    assert (first.name, first.model.predictor, first.training.loss) == ("ncn", "ncn", "bce")
    assert others


@pytest.mark.parametrize("data", ["cora", "usair"])
def test_completion_is_fitted_on_validation_with_none_among_the_choices(data: str) -> None:
    completed = [one for one in ours(data) if one.model.predictor == "ncnc"]
    assert completed
    assert all(one.training.calibrate_completion for one in completed)
