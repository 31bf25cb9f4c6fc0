from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr
from scipy.stats import norm

from pipeline.records.evidence import EFFECT, Evidence, log_e_value, normal_score
from tests.fixtures.paired import paired


def test_the_mixture_is_the_average_over_effects_that_it_says_it_is() -> None:
    total, edges = 3_000.0, 20_000.0

    def integrand(effect: float) -> float:
        return float(2 * norm.pdf(effect, scale=EFFECT) * math.exp(effect * total - effect**2 * edges / 2))

    assert log_e_value(total, edges) == pytest.approx(math.log(quad(integrand, 0, 0.5, epsabs=0)[0]), rel=1e-6)


def test_no_edges_are_no_evidence() -> None:
    assert log_e_value(0.0, 0.0) == pytest.approx(0, abs=1e-12)
    assert Evidence().p_better == pytest.approx(1)


def test_the_mixture_is_taken_of_many_at_once() -> None:
    totals, edges = np.array([0.0, 900.0]), np.array([100.0, 9_000.0])
    assert log_e_value(totals, edges).tolist() == [log_e_value(0.0, 100.0), log_e_value(900.0, 9_000.0)]


@pytest.mark.parametrize(
    ("difference", "p_value", "score"),
    [
        (0.1, 0.025, 1.96),
        (-0.1, 0.975, -1.96),
        (0.0, 1.0, 0.0),  # all edges alike: p is 1 in either direction
        (0.2, 0.0, 7.94),  # no p-value is believed beyond eight deviations
        (-0.2, 1.0, -7.94),
    ],
)
def test_a_p_value_becomes_the_score_that_lies_as_far_out(difference: float, p_value: float, score: float) -> None:
    assert normal_score(difference, p_value) == pytest.approx(score, abs=0.01)


def test_nights_add_up_weighted_by_their_edges() -> None:
    first, second = paired(0.02, -0.01, 0.05, p_value=float(ndtr(-1.5))), paired(-0.01, -0.02, 0.0, p_value=0.5)
    small = second.model_copy(update={"num_edges": 100})
    evidence = Evidence().and_of(first).and_of(small)
    assert (evidence.nights, evidence.edges) == (2, 500)
    assert evidence.total == pytest.approx(20 * 1.5)
    assert evidence.gain == pytest.approx((0.02 * 400 - 0.01 * 100) / 500)


def test_evidence_for_one_model_is_evidence_against_the_other() -> None:
    night, turned = paired(0.03, 0.01, 0.05, p_value=0.002), paired(-0.03, -0.05, -0.01, p_value=0.998)
    assert Evidence().and_of(night).p_better == pytest.approx(Evidence().and_of(turned).p_worse)


def test_equal_models_are_hardly_ever_told_apart_though_every_night_is_looked_at() -> None:
    scores = np.random.default_rng(0).normal(size=(4_000, 120))
    edges = np.full(scores.shape, 450.0).cumsum(1)
    strongest = log_e_value(np.sqrt(450) * scores.cumsum(1), edges).max(1)
    for alpha in (0.1, 0.05, 0.025):
        assert (strongest >= -math.log(alpha)).mean() <= alpha
    # The fault planted: the sum of the nights' scores, held against its own fixed-horizon limit every night.
    looked_at = scores.cumsum(1) / np.sqrt(np.arange(1, 121))
    assert (looked_at >= 1.96).any(1).mean() > 0.2
