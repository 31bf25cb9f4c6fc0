from __future__ import annotations

import pytest
import torch

from ncnc_core.networks.quantile_scale import FARTHEST, KNOTS, QuantileScale

ROWS = torch.stack([torch.linspace(0, 8, 129), torch.linspace(0, 8, 129).exp(), torch.full((129,), 3.0)], 1)


def fitted(values: torch.Tensor) -> QuantileScale:
    scale = QuantileScale(values.shape[1])
    scale.fit(values)
    return scale


def test_values_become_standard_scores_and_then_their_places_among_training() -> None:
    found = fitted(ROWS)(ROWS)
    assert found.shape == (129, 6)
    assert found[:, 0].mean().item() == pytest.approx(0, abs=1e-5)
    assert found[:, 0].std(correction=0).item() == pytest.approx(1, abs=1e-5)
    torch.testing.assert_close(found[:, 3], torch.linspace(-1, 1, 129), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        found[::2, 4], torch.linspace(-1, 1, KNOTS), atol=1e-5, rtol=0
    )  # whatever the distribution


def test_what_was_constant_says_nothing() -> None:
    found = fitted(ROWS)(ROWS + 5)
    assert found[:, 2].eq(0).all()
    assert found[:, 5].eq(0).all()


def test_what_lies_far_out_counts_as_just_that_far() -> None:
    found = fitted(ROWS)(torch.tensor([[-1e9, 1e30, 3.0], [1e9, -1e30, 3.0]]))
    assert found.tolist() == [[-FARTHEST, FARTHEST, 0, -1, 1, 0], [FARTHEST, -FARTHEST, 0, 1, -1, 0]]


@pytest.mark.parametrize("rows", [1, 2, 30])
def test_fewer_rows_than_knots_are_places_too(rows: int) -> None:
    values = torch.arange(rows).float().unsqueeze(1)
    place = fitted(values)(values)[:, 1]
    assert torch.isfinite(place).all()
    assert torch.equal(place, place.sort().values)


def test_a_heap_of_equal_values_has_one_place_and_order_is_kept() -> None:
    values = torch.cat([torch.zeros(100), torch.linspace(1, 2, 29)]).unsqueeze(1)
    place = fitted(values)(values)[:, 1]
    assert place[:100].unique().numel() == 1
    assert torch.equal(place, place.sort().values)
    assert place[-1] == 1


def test_the_statistics_are_saved_with_the_weights() -> None:
    other = QuantileScale(3)
    other.load_state_dict(fitted(ROWS).state_dict())
    assert torch.equal(other(ROWS), fitted(ROWS)(ROWS))
