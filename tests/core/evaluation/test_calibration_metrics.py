from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from ncnc_core.evaluation.calibration_metrics import CalibrationMetrics, calibration_metrics


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def measured(
    positive: torch.Tensor, negative: torch.Tensor, edges: torch.Tensor | None = None, **options: object
) -> CalibrationMetrics:
    """Measure on edges of which, if none are given, no two share a node."""
    edges = torch.arange(2 * len(positive)).view(2, -1) if edges is None else edges
    settings: dict[str, object] = {"samples": 200, "confidence": 0.9, "generator": generator(), **options}
    return calibration_metrics(positive, negative, edges, **settings)  # type: ignore[arg-type]


def kept_promises(count: int, per_positive: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Probabilities of edges and others that are true at even odds: densities 2 p and 2 (1 - p)."""
    positive = torch.rand(count, generator=generator(1)).sqrt()
    negative = 1 - torch.rand(count, per_positive, generator=generator(2)).sqrt()
    return positive, negative


def test_worked_example() -> None:
    # Two bins. Below: the negatives 0.2 (they weigh 0.25 each); above: the positives 0.6 and 0.8 (0.5 each) and the
    # negatives 0.6 (0.25 each).
    found = measured(torch.tensor([0.6, 0.8]), torch.tensor([[0.2, 0.6], [0.2, 0.6]]), bins=2)
    assert found.brier.value == pytest.approx(0.5 * (0.16 + 0.04) / 2 + 0.5 * (0.04 + 0.36) / 2)
    low, high = found.bins
    assert (low.stated, low.observed, low.weight) == pytest.approx((0.2, 0.0, 0.25))
    assert (high.stated, high.observed, high.weight) == pytest.approx(((0.3 + 0.4 + 0.3) / 1.5, 1.0 / 1.5, 0.75))
    assert found.ece.value == pytest.approx(0.25 * 0.2 + 0.75 * abs(1.0 / 1.5 - 1.0 / 1.5))
    assert (low.low, high.low, high.high) == pytest.approx((0.2, 0.6, 0.8))
    assert (low.observed_low, low.observed_high) == (0.0, 0.0)


def test_brier_agrees_with_scikit_learn() -> None:
    positive, negative = kept_promises(80, 7)
    stated = torch.cat([positive, negative.flatten()]).numpy()
    truth = np.repeat([1, 0], [80, 560])
    oracle = brier_score_loss(truth, stated, sample_weight=np.repeat([0.5 / 80, 0.5 / 560], [80, 560]))
    assert measured(positive, negative).brier.value == pytest.approx(oracle)


def test_the_curve_agrees_with_scikit_learn_where_all_pairs_weigh_the_same() -> None:
    positive, negative = kept_promises(100, 1)
    stated = torch.cat([positive, negative.flatten()]).numpy()
    observed, mean = calibration_curve(np.repeat([1, 0], 100), stated, n_bins=10, strategy="quantile")
    found = measured(positive, negative).bins
    assert [part.observed for part in found] == pytest.approx(observed)
    assert [part.stated for part in found] == pytest.approx(mean)


def test_the_lower_bound_of_the_error_is_above_zero_only_where_promises_are_broken() -> None:
    lows = []
    for seed in range(40):
        positive = torch.rand(150, generator=generator(2 * seed)).sqrt()
        negative = 1 - torch.rand(150, 8, generator=generator(2 * seed + 1)).sqrt()
        found = measured(positive, negative, confidence=0.95)
        assert found.ece.low <= found.ece.value <= found.ece.high
        assert found.ece.value > 0.01  # from chance alone
        lows.append(found.ece.low)
    # 5.5 % of 600 such draws were above, for 2.5 % in the limit; percentile bounds put all 40 above, basic ones 12.
    assert sum(low > 0 for low in lows) <= 6
    assert measured(positive.sqrt(), negative.sqrt()).ece.low > 0.05  # both said likelier than they are


def test_the_bounds_of_a_bin_hold_its_share_and_narrow_with_more_pairs() -> None:
    few, many = measured(*kept_promises(60, 3)).bins, measured(*kept_promises(3000, 3)).bins
    for part in (*few, *many):
        assert part.observed_low <= part.observed <= part.observed_high
    width = [sum(part.observed_high - part.observed_low for part in bins) for bins in (few, many)]
    assert width[0] / width[1] == pytest.approx(50**0.5, rel=0.35)


def test_a_bin_that_a_resample_missed_has_bounds_all_the_same() -> None:
    found = measured(torch.tensor([0.9, 0.9, 0.1]), torch.tensor([[0.9], [0.9], [0.1]]), samples=50)
    assert all(0 <= part.observed_low <= part.observed_high <= 1 for part in found.bins)


def test_kept_probabilities_have_next_to_no_error_and_exaggerated_ones_have() -> None:
    positive, negative = kept_promises(4000, 5)
    assert measured(positive, negative).ece.value < 0.02
    sharper = [torch.sigmoid(3 * torch.logit(kind, eps=1e-6)) for kind in (positive, negative)]
    assert measured(sharper[0], sharper[1]).ece.value > 0.1


def test_a_constant_half_is_calibrated_and_has_one_bin() -> None:
    found = measured(torch.full((9,), 0.5), torch.full((9, 4), 0.5))
    assert (found.ece.value, found.brier.value) == (0.0, 0.25)
    assert [part.weight for part in found.bins] == [1.0]
    assert (found.ece.low, found.ece.high) == (0.0, pytest.approx(0.0, abs=1e-12))


def test_the_bins_weigh_the_same_and_make_the_error() -> None:
    found = measured(*kept_promises(1000, 3))
    assert [part.weight for part in found.bins] == pytest.approx([0.1] * 10, abs=0.002)
    assert found.ece.value == pytest.approx(sum(part.weight * abs(part.stated - part.observed) for part in found.bins))
    assert found.ece.low <= found.ece.high


def test_the_order_of_the_positives_does_not_matter() -> None:
    positive, negative = kept_promises(60, 4)
    order = torch.randperm(60, generator=generator(5))
    first, second = measured(positive, negative), measured(positive[order], negative[order])
    assert second.ece.value == pytest.approx(first.ece.value)
    # Which pairs a resample draws does depend on it, so the bounds are left out.
    curves = [[(b.low, b.high, b.stated, b.observed, b.weight) for b in found.bins] for found in (first, second)]
    assert torch.tensor(curves[0]).allclose(torch.tensor(curves[1]))


def test_edges_of_one_node_are_resampled_together() -> None:
    positive, negative = kept_promises(200, 4)
    hubs = torch.stack([torch.arange(200) // 50, torch.arange(200) + 4])
    apart, together = measured(positive, negative), measured(positive, negative, hubs)
    for by_edge, by_hub in ((apart.brier, together.brier), (apart.ece, together.ece)):
        assert by_hub.value == by_edge.value
        assert (by_hub.low, by_hub.high) != (by_edge.low, by_edge.high)


def test_where_all_edges_meet_at_one_hub_no_calibration_error_is_proved() -> None:
    positive, negative = torch.full((40,), 0.99), torch.full((40, 5), 0.9)
    star = torch.stack([torch.zeros(40, dtype=torch.int64), torch.arange(1, 41)])
    assert measured(positive, negative).ece.low > 0.2
    found = measured(positive, negative, star)
    assert (found.ece.low, found.ece.high) == (0, 1)
    assert (found.brier.low, found.brier.high) == (0, 1)
