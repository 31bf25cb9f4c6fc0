from __future__ import annotations

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation.score_calibration import ScoreCalibration, fit_calibration, fitted


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_prior_moves_the_probability_as_bayes_has_it() -> None:
    calibration = ScoreCalibration(2.0, -1.0)
    even = calibration.probability(torch.tensor([0.5, 1.0]))
    assert even.tolist() == pytest.approx([0.5, torch.sigmoid(torch.tensor(1.0)).item()])
    rare = calibration.probability(torch.tensor([0.5]), prior=0.01)
    assert rare.item() == pytest.approx(0.01)
    with pytest.raises(InvalidGraph, match=r"between 0 and 1, but it is 1\.0\. Give the share"):
        calibration.probability(torch.tensor([0.5]), prior=1.0)


def test_two_normal_kinds_give_the_scale_and_offset_of_theory() -> None:
    # N(2, 1) against N(0, 1) at even odds: the log odds of a logit s are 2 s - 2.
    positive = torch.randn(20_000, generator=generator(1)) + 2
    negative = torch.randn(60_000, generator=generator(2))
    found = fit_calibration(positive, negative)
    assert found.scale == pytest.approx(2.0, abs=0.05)
    assert found.offset == pytest.approx(-2.0, abs=0.08)


def test_scikit_learn_fits_the_same_line() -> None:
    positive, negative = torch.randn(500, generator=generator(1)) * 3 + 4, torch.randn(1500, generator=generator(2)) * 5
    found = fit_calibration(positive, negative)
    logits = torch.cat([positive, negative]).numpy()[:, None]
    truth = [1] * 500 + [0] * 1500
    oracle = LogisticRegression(C=1e9, class_weight="balanced").fit(logits, truth)
    assert found.scale == pytest.approx(float(oracle.coef_[0, 0]), rel=0.03)  # Platt's targets pull a little
    assert found.offset == pytest.approx(float(oracle.intercept_[0]), rel=0.03, abs=0.02)


def test_kinds_that_do_not_overlap_keep_a_finite_scale() -> None:
    found = fit_calibration(torch.full((50,), 9.0), torch.full((50,), -9.0))
    assert 0 < found.scale < 1
    assert found.probability(torch.tensor([9.0])).item() == pytest.approx(51 / 52, abs=1e-3)


def test_a_ranking_is_never_turned_round() -> None:
    found = fit_calibration(torch.tensor([0.0, 1.0]), torch.tensor([5.0, 6.0]))  # the wrong way round
    assert found.scale == 0.0
    assert found.probability(torch.tensor([-3.0, 7.0])).tolist() == pytest.approx([0.5, 0.5], abs=1e-4)


@pytest.mark.parametrize("size", [1e-6, 1e6])
def test_the_size_of_the_logits_does_not_matter(size: float) -> None:
    positive = torch.randn(300, generator=generator(1)).double() + 1
    negative = torch.randn(300, generator=generator(2)).double()
    plain, scaled = fit_calibration(positive, negative), fit_calibration(positive * size, negative * size)
    assert scaled.scale * size == pytest.approx(plain.scale, rel=1e-3)


@pytest.mark.parametrize(
    ("positive", "negative", "said"),
    [
        ([], [1.0], "0 and 1, 0 of them not finite. Score at least one pair of each kind"),
        ([1.0], [float("nan")], "1 and 1, 1 of them not finite"),
    ],
)
def test_what_cannot_be_fitted_is_refused(positive: list[float], negative: list[float], said: str) -> None:
    with pytest.raises(InvalidGraph, match=said):
        fit_calibration(torch.tensor(positive), torch.tensor(negative))


def test_a_model_without_a_calibration_states_no_probability() -> None:
    with pytest.raises(InvalidGraph, match=r"no calibration \(None\).*Use scores, or retrain"):
        fitted(None)
