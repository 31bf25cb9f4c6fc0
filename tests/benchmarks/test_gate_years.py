"""A small part of the years, from fixed seeds; the shares themselves are in docs/gate.md."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import gate_years
from benchmarks.drawn_nights import CONFIDENCE, drawn_night
from benchmarks.gate_years import CORRELATED, Pool, drawn_pool, equal_years, found, overlapping_tenures, staying_luck
from pipeline.evaluation.comparison import paired_comparison
from pipeline.promotion.evidence import Evidence, normal_score
from pipeline.promotion.shadow import ShadowRule
from tests.fixtures.paired import paired

RULE = ShadowRule()


def test_equal_nights_count_in_both_directions() -> None:
    pool = drawn_pool(CORRELATED, (30, 60), 0.0, 4, seed=0)
    assert pool.edges.tolist() == [30, 60, 30, 60] * 2
    assert pool.score[4:].tolist() == (-pool.score[:4]).tolist()
    assert drawn_pool(CORRELATED, (30,), 0.03, 4, seed=0).score.shape == (4,)


def test_a_nights_score_is_turned_where_the_models_change_places() -> None:
    night = drawn_night(60, CORRELATED, 0.0, torch.Generator().manual_seed(0))
    both = [
        paired_comparison(*ranks, night.edges, confidence=CONFIDENCE)
        for ranks in ((night.challenger, night.champion), (night.champion, night.challenger))
    ]
    scores = [normal_score(paired.difference.value, paired.p_value) for paired in both]
    assert scores[0] == pytest.approx(-scores[1])
    assert scores[0] != 0


def test_years_are_judged_as_the_evidence_is_one_night_after_another() -> None:
    nights = [paired(0.01, -0.1, 0.1, p_value=p) for p in (0.3, 0.001, 0.02, 0.4)]
    evidence, best = Evidence(), 1.0
    for night in nights:
        evidence = evidence.and_of(night)
        best = min(best, evidence.p_better)
    scores = np.array([[normal_score(0.01, night.p_value) for night in nights]])
    assert float(np.exp(-Pool(scores, np.full(scores.shape, 400.0)).strongest[0])) == pytest.approx(best)


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


@pytest.mark.slow  # 40 tenures of 20 nights, twice
def test_edges_that_count_on_several_nights_would_break_the_promise() -> None:
    """The fault planted: a window that reaches back over nights counts whole on each of them."""
    loose = ShadowRule(alpha=2.0, minimum_tenure=20)  # a level of 0.05: few tenures show the fault
    once, whole = overlapping_tenures(loose, tenures=40, edges=40)
    assert once <= 4
    assert whole > once


def test_what_models_have_learnt_stays_theirs() -> None:
    luck = staying_luck(ShadowRule(minimum_tenure=3), tenures=4, edges=60)
    assert luck.tenures == 4
    assert luck.deviation > 0


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
