from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import brier_score_loss

from ncnc_core.calibration_metrics import CalibrationMetrics, calibration_metrics


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def measured(positive: torch.Tensor, negative: torch.Tensor, **options: object) -> CalibrationMetrics:
    settings: dict[str, object] = {"samples": 200, "confidence": 0.9, "generator": generator(), **options}
    return calibration_metrics(positive, negative, **settings)  # type: ignore[arg-type]


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


def test_brier_agrees_with_scikit_learn() -> None:
    positive, negative = kept_promises(80, 7)
    stated = torch.cat([positive, negative.flatten()]).numpy()
    truth = np.repeat([1, 0], [80, 560])
    oracle = brier_score_loss(truth, stated, sample_weight=np.repeat([0.5 / 80, 0.5 / 560], [80, 560]))
    assert measured(positive, negative).brier.value == pytest.approx(oracle)


def test_kept_probabilities_have_next_to_no_error_and_exaggerated_ones_have() -> None:
    positive, negative = kept_promises(4000, 5)
    assert measured(positive, negative).ece.value < 0.02
    sharper = [torch.sigmoid(3 * torch.logit(kind, eps=1e-6)) for kind in (positive, negative)]
    assert measured(sharper[0], sharper[1]).ece.value > 0.1


def test_a_constant_half_is_calibrated_and_has_one_bin() -> None:
    found = measured(torch.full((9,), 0.5), torch.full((9, 4), 0.5))
    assert (found.ece.value, found.brier.value) == (0.0, 0.25)
    assert [part.weight for part in found.bins] == [1.0]


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
    assert torch.tensor(second.bins).allclose(torch.tensor(first.bins))


def test_edges_of_one_node_are_resampled_together() -> None:
    positive, negative = kept_promises(200, 4)
    hub = torch.arange(200) // 50
    by_edge, by_hub = measured(positive, negative).brier, measured(positive, negative, clusters=hub).brier
    assert by_hub.value == by_edge.value
    assert (by_hub.low, by_hub.high) != (by_edge.low, by_edge.high)
