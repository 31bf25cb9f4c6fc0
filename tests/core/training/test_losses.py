from __future__ import annotations

import math
from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ncnc_core.config.training import LossName
from ncnc_core.training.losses import positive_losses


def plain(loss: LossName, positive: float, negatives: list[float]) -> float:
    """The formulas as loops over one positive's negatives."""
    if loss == "listwise":
        every = math.exp(positive) + sum(map(math.exp, negatives))
        return plain("bce", positive, negatives) - math.log(math.exp(positive) / every)
    total = 0.0
    for negative in negatives:
        margin = positive - negative
        total += {
            "bce": math.log1p(math.exp(negative)),
            "auc": (1 - margin) ** 2,
            "hinge_auc": max(0.0, 1 - margin) ** 2,
            "log_rank": math.log1p(math.exp(-margin)),
        }[loss]
    own = math.log1p(math.exp(-positive)) if loss == "bce" else 0.0
    return own + total / len(negatives)


@pytest.mark.parametrize("loss", get_args(LossName))
@given(seed=st.integers(0, 2**32), count=st.integers(1, 6), repeat=st.integers(1, 4))
def test_losses_are_their_formulas_over_each_positives_own_negatives(
    loss: LossName, seed: int, count: int, repeat: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    positive = 3 * torch.randn(count, generator=generator, dtype=torch.float64)
    negative = 3 * torch.randn(count, repeat, generator=generator, dtype=torch.float64)
    expected = [plain(loss, s, own) for s, own in zip(positive.tolist(), negative.tolist(), strict=True)]
    torch.testing.assert_close(positive_losses(loss, positive, negative), torch.tensor(expected, dtype=torch.float64))


# positive, its negatives, and the loss worked by hand
@pytest.mark.parametrize(
    ("loss", "positive", "negative", "expected"),
    [
        ("auc", 2.0, [0.0, 1.0], 0.5),  # margins 2 and 1: ((1-2)^2 + 0) / 2
        ("hinge_auc", 2.0, [0.0, 1.0], 0.0),  # both a unit apart: nothing to pull
        ("hinge_auc", 0.0, [0.0, 1.0], 2.5),  # margins 0 and -1: (1 + 4) / 2
        ("log_rank", 1.0, [1.0, 1.0], math.log(2)),
        ("bce", 0.0, [0.0, 0.0], 2 * math.log(2)),
        ("listwise", 0.0, [0.0, 0.0], 2 * math.log(2) + math.log(3)),  # one of three
    ],
)
def test_worked_losses(loss: LossName, positive: float, negative: list[float], expected: float) -> None:
    value = positive_losses(loss, torch.tensor([positive]), torch.tensor([negative]))
    assert value.item() == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("loss", get_args(LossName))
def test_every_loss_pulls_a_positive_up_and_its_negatives_down(loss: LossName) -> None:
    positive, negative = torch.zeros(2, requires_grad=True), torch.zeros(2, 3, requires_grad=True)
    positive_losses(loss, positive, negative).sum().backward()
    assert (positive.grad < 0).all()
    assert (negative.grad > 0).all()


@pytest.mark.parametrize("loss", ["bce", "log_rank"])
def test_logistic_losses_do_not_overflow(loss: LossName) -> None:
    value = positive_losses(loss, torch.tensor([-1e4]), torch.tensor([[1e4]]))
    assert value.item() == pytest.approx(2e4)
