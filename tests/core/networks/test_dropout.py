from __future__ import annotations

import pytest
import torch

from ncnc_core.networks.dropout import Dropout, dropped


@pytest.mark.parametrize("p", [0.05, 0.4, 0.7])
def test_share_and_scale_of_what_is_kept_are_those_of_dropout(p: float) -> None:
    torch.manual_seed(0)
    values = torch.ones(2000, 500)
    result = Dropout(p)(values)
    assert sorted(result.unique().tolist()) == pytest.approx([0.0, 1 / (1 - p)])
    assert float((result == 0).float().mean()) == pytest.approx(p, abs=0.002)  # four standard deviations
    by_row = (result == 0).float().mean(1)
    assert float(by_row.std()) == pytest.approx((p * (1 - p) / 500) ** 0.5, rel=0.1)  # independent places


def test_masks_of_two_seeds_and_of_neighbouring_places_are_uncorrelated() -> None:
    ones = torch.ones(100_000)
    first, second = (dropped(ones, 0.5, seed) / 2 - 0.5 for seed in (3 + 2**32, 4 + 2**33))
    for shift in (0, 1, 2, 256):
        assert abs(float((first * second.roll(shift)).mean())) < 0.004  # 1 / 4 where equal; five deviations of noise
        if shift:
            assert abs(float((first * first.roll(shift)).mean())) < 0.004


def test_gradient_passes_where_the_value_did() -> None:
    values = torch.rand(40, 30, requires_grad=True)
    result = Dropout(0.5)(values)
    result.sum().backward()
    assert values.grad is not None
    assert torch.equal(values.grad, torch.where(result == 0, 0.0, 2.0))


def test_global_generator_decides_the_mask() -> None:
    layer, values = Dropout(0.5), torch.ones(64)
    torch.manual_seed(1)
    first, second = layer(values), layer(values)
    torch.manual_seed(1)
    assert torch.equal(layer(values), first)
    assert not torch.equal(first, second)


def test_nothing_is_dropped_in_evaluation_nor_with_probability_zero() -> None:
    values = torch.rand(8)
    assert Dropout(0.5).eval()(values) is values
    assert Dropout(0.0)(values) is values


def test_other_number_formats_go_to_torch() -> None:
    values = torch.ones(1000, dtype=torch.bfloat16)
    assert set(Dropout(0.5)(values).tolist()) == {0.0, 2.0}


def test_certain_drop_gives_zeros() -> None:
    assert Dropout(1.0)(torch.ones(3)).tolist() == [0.0, 0.0, 0.0]
    assert float((dropped(torch.ones(100), 1 - 2**-40, 5) != 0).sum()) == 0  # rounds to a whole: must not wrap around


def test_the_gradient_has_a_gradient_of_its_own() -> None:
    values = torch.rand(30, 4, requires_grad=True)
    torch.manual_seed(1)
    result = Dropout(0.5)(values)
    (slope,) = torch.autograd.grad(result.pow(2).sum(), values, create_graph=True)
    (curve,) = torch.autograd.grad(slope.sum(), values)
    assert torch.equal(curve, torch.where(result == 0, 0.0, 8.0))  # of (2 x)^2
