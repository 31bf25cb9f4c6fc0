from __future__ import annotations

import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.networks.completion import completion_weight, fold_prior


@pytest.mark.parametrize(("alpha", "prior"), [(1.0, 0.75), (0.4, 1.0), (1.05, 0.1)])
def test_weight_with_the_prior_folded_equals_the_published_formula(alpha: float, prior: float) -> None:
    logit = torch.linspace(-3, 9, 25, dtype=torch.float64)
    p = torch.sigmoid(2.5 * (logit - 3.0))
    expected = alpha * prior * p / (prior * p + 1 - p)
    offset = fold_prior(2.5, 3.0, prior)
    torch.testing.assert_close(completion_weight(logit, scale=2.5, offset=offset, alpha=alpha), expected)


# the published constants of two data sets, and the one offset they amount to
@pytest.mark.parametrize(
    ("scale", "offset", "prior", "folded"), [(4.3, 2.8, 0.75, 2.867), (2.5, 6.0, 0.1, 6.921), (10.0, 3.0, 0.1, 3.230)]
)
def test_folded_offset_is_the_published_offset_less_the_prior_over_the_scale(
    scale: float, offset: float, prior: float, folded: float
) -> None:
    assert fold_prior(scale, offset, prior) == pytest.approx(folded, abs=5e-4)


@pytest.mark.parametrize(("scale", "prior"), [(1.0, 0.0), (1.0, -0.5), (0.0, 0.5)])
def test_prior_or_scale_that_cannot_be_folded_is_refused_with_the_remedy(scale: float, prior: float) -> None:
    with pytest.raises(InvalidGraph, match=rf"got prior {prior} and scale {scale}.*completion_alpha: 0"):
        fold_prior(scale, 3.0, prior)


def test_weight_stays_between_nothing_and_alpha_for_any_logit() -> None:
    weight = completion_weight(torch.tensor([-1e30, 1e30]), scale=10.0, offset=0.0, alpha=0.5)
    assert weight.tolist() == [0.0, 0.5]
