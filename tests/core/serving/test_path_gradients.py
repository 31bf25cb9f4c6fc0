from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ncnc_core.serving.path_gradients import MOST_STEPS, SMALL, Head, path_gradients


class Product(nn.Module):
    """logit = 3 + a . b, of two inputs."""

    def product_logits(self, a: Tensor, b: Tensor) -> Tensor:
        return 3 + (a * b).sum(1)


class Rough(nn.Module):
    """A head that turns sharply near the start: a layer norm behind a ReLU."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 1))

    def product_logits(self, a: Tensor) -> Tensor:
        return self.layers(a).squeeze(1)


def test_equal_shares_of_a_product_whatever_the_size_of_its_factors() -> None:
    a, b = torch.tensor([1.0, 4.0], dtype=torch.float64), torch.tensor([8.0, 0.5], dtype=torch.float64)
    start, (at_a, at_b) = path_gradients(Product(), [a, b])
    assert start == 3
    assert float(a @ at_a) == pytest.approx(5.0, abs=1e-3)  # half of 1 * 8 + 4 * 0.5
    assert float(b @ at_b) == pytest.approx(5.0, abs=1e-3)


def test_shares_add_up_to_what_the_logit_moves() -> None:
    head, given = Rough(), torch.randn(6, generator=torch.Generator().manual_seed(1)).double()
    start, (gradient,) = path_gradients(head, [given])
    end = head.double().product_logits(given.unsqueeze(0)).item()
    assert start + float(given @ gradient) == pytest.approx(end, abs=max(10 * SMALL, 4 / MOST_STEPS))


def test_what_is_zero_has_no_share_and_the_head_stays_as_it_was() -> None:
    head = Rough().train()
    start, (gradient,) = path_gradients(head, [torch.zeros(6, dtype=torch.float64)])
    assert start == pytest.approx(head.product_logits(torch.zeros(1, 6)).item(), abs=1e-6)
    assert float(torch.zeros(6, dtype=torch.float64) @ gradient) == 0
    assert head.training
    assert next(head.parameters()).dtype == torch.float32
    assert all(one.grad is None for one in head.parameters())


def test_a_head_is_what_turns_inputs_into_logits() -> None:
    assert isinstance(Product(), Head)
    assert not isinstance(nn.Linear(1, 1), Head)
