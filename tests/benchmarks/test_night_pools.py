from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.drawn_nights import CONFIDENCE, drawn_night
from benchmarks.gate_simulation import SETTINGS
from benchmarks.night_pools import Pool, drawn_pool, kind_of
from pipeline.evaluation.comparison import paired_comparison
from pipeline.records.evidence import Evidence, normal_score
from tests.fixtures.paired import paired

CORRELATED = SETTINGS[2]


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


def test_a_pool_is_named_by_its_nights() -> None:
    assert kind_of(CORRELATED, (450,)) == "hub 10 %, correlated, 450 edges"
    assert kind_of(CORRELATED, (30, 60, 200)) == "hub 10 %, correlated, 30 to 200 edges"
