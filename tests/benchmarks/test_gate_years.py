"""A small part of the years, from fixed seeds; the shares themselves are in docs/gate.md."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import gate_years
from benchmarks.drawn_tenures import CORRELATED
from benchmarks.gate_years import equal_years, found
from pipeline.promotion.shadow import ShadowRule

RULE = ShadowRule()


def test_a_year_of_equal_models_promotes_seldom_and_the_nightly_gate_nearly_always() -> None:
    row = equal_years(CORRELATED, (100,), RULE, pools=1, nights=200, years=300)
    assert row.by_a_shadow / row.years <= 0.025
    assert row.by_night / row.years > 0.9
    assert row.most == row.by_a_shadow / row.years < row.upper
    assert row.early < 0.01


def test_a_gain_is_found_that_a_night_alone_does_not_show() -> None:
    row = found((450,), 0.01, 60, RULE, nights=250, years=300)
    assert row.accumulated >= 0.8
    assert row.fixed_horizon >= row.accumulated


def test_years_are_shown_and_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gate_years, "EQUAL", gate_years.EQUAL[-1:])
    monkeypatch.setattr(gate_years, "BETTER", ((((30,), 0.1, 5)),))
    path = tmp_path / "years.json"
    few = ["--nights", "20", "--gain-nights", "20", "--years", "20", "--tenures", "1"]
    assert gate_years.main([*few, "--json", str(path)]) == 0
    figures = json.loads(path.read_text())
    assert figures["equal"][0]["years"] == 80
    assert 0 <= figures["better"][0]["accumulated"] <= 1
    assert figures["overlapping"]["tenures"] == figures["staying_luck"]["tenures"] == 1
    assert "a gain found" in capsys.readouterr().out
