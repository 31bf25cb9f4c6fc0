from __future__ import annotations

import pytest
import torch

from ncnc_core.completion import completion_weight


@pytest.mark.parametrize(("alpha", "prior"), [(1.0, 0.75), (0.4, 1.0), (1.05, 0.1)])
def test_weight_equals_the_published_formula(alpha: float, prior: float) -> None:
    logit = torch.linspace(-3, 9, 25, dtype=torch.float64)
    p = torch.sigmoid(2.5 * (logit - 3.0))
    expected = alpha * prior * p / (prior * p + 1 - p)
    torch.testing.assert_close(completion_weight(logit, scale=2.5, offset=3.0, prior=prior, alpha=alpha), expected)


def test_weight_stays_between_nothing_and_alpha_for_any_logit() -> None:
    weight = completion_weight(torch.tensor([-1e30, 1e30]), scale=10.0, offset=0.0, prior=0.1, alpha=0.5)
    assert weight.tolist() == [0.0, 0.5]
