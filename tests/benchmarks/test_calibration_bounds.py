from __future__ import annotations

import pytest

from benchmarks import calibration_bounds
from benchmarks.calibration_bounds import simulate


def test_kept_promises_have_an_error_by_chance_alone_and_broken_ones_are_seen() -> None:
    kept, broken = simulate("kept", 100, 10, samples=100), simulate("both", 100, 10, samples=100)
    assert kept.true_error < 0.005 < kept.measured
    assert kept.above_zero < 0.5 < broken.above_zero
    assert broken.held > 0.5


def test_every_case_and_size_has_a_row(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration_bounds, "SIZES", (20,))
    assert calibration_bounds.main(["--nights", "1"]) == 0
    shown = capsys.readouterr().out
    assert all(case in shown for case in calibration_bounds.CASES)
