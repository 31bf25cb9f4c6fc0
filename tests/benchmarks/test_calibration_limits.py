"""The promise of the gate's limit on a calibration error, on drawn nights few enough for every run of the suite."""

from __future__ import annotations

import pytest

from benchmarks import calibration_limits
from benchmarks.calibration_limits import offset_of, refusals

NIGHTS = 120
MOST = 8  # of 120: where the rate is 2.5 %, 3 are expected, and more than 8 in fewer than one of a hundred simulations


@pytest.mark.parametrize("count", [200, 450])
def test_a_model_whose_true_error_is_the_limit_is_refused_on_no_more_nights_than_stated(count: int) -> None:
    found = refusals(0.03, 0.03, count, NIGHTS)
    assert found.by_bound <= MOST
    # The fault planted: held against the limit, the error itself would refuse that model on most of the same nights.
    assert found.by_value > NIGHTS / 2


def test_a_model_that_keeps_every_promise_is_let_through_where_chance_alone_is_above_the_limit() -> None:
    found = refusals(0.0, 0.015, 450, NIGHTS)
    assert found.measured > 0.015
    assert found.by_bound <= MOST
    assert found.by_value > NIGHTS / 3


def test_a_model_clearly_beyond_the_limit_is_refused() -> None:
    assert refusals(0.09, 0.03, 200, 40).by_bound >= 38
    assert refusals(0.16, 0.1, 200, 40).by_bound >= 38


def test_on_few_edges_a_model_far_beyond_the_limit_may_pass() -> None:
    """Why `enough_test_edges` stands beside it: 50 edges prove little, for better or worse."""
    assert 0 < refusals(0.07, 0.03, 50, NIGHTS).by_bound < NIGHTS / 2


def test_kept_promises_are_not_shifted_and_a_larger_error_needs_a_larger_shift() -> None:
    assert offset_of(0.0) == 0.0
    assert 0.2 < offset_of(0.03) < offset_of(0.1)  # docs/evaluation.md: a logit shifted by 0.3 has an error of 0.033


def test_every_limit_and_error_has_a_row(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration_limits, "SIZES", (20,))
    monkeypatch.setattr(calibration_limits, "ABOVE", (None, 0.06))
    assert calibration_limits.main(["--nights", "1"]) == 0
    shown = capsys.readouterr().out
    assert all(error in shown for error in ("0.03", "0.09", "0.1", "0.16", "20 edges"))
