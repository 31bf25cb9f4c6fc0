from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ncnc_core.evaluation.score_calibration import ScoreCalibration
from ncnc_core.link_model import LinkModel
from pipeline.evaluation.compared_models import ComparedModels
from pipeline.records.chain import WarmStart
from pipeline.records.scores import Interval, ModelScores, ReliabilityBin
from pipeline.registry.facts import ModelVersion
from pipeline.runs.incumbent import Incumbent
from tests.fixtures.house import FIRST_NIGHT

VERSION = ModelVersion("small", 3, "run", "model", "5" * 64, "small-x", FIRST_NIGHT, (), {})


@pytest.fixture
def model(make_model: Callable[..., Path]) -> LinkModel:
    """Return a model without a calibration."""
    return LinkModel.load(make_model([10, 20, 30, 40]))


@pytest.fixture
def models_with(model: LinkModel) -> Callable[[Incumbent | None], ComparedModels]:
    return lambda champion: ComparedModels(model, champion, None, None)


def test_a_champion_from_before_calibrations_is_said_to_state_no_probability(
    model: LinkModel, models_with: Callable[[Incumbent | None], ComparedModels]
) -> None:
    assert "saved without a calibration" in models_with(Incumbent(VERSION, model, "")).champion_note
    new = replace(model, calibration=ScoreCalibration(1.0, 0.0))
    assert models_with(Incumbent(VERSION, new, "")).champion_note == models_with(None).champion_note == ""
    assert models_with(Incumbent(VERSION, None, "it cannot be read")).champion_note == "it cannot be read"


def test_the_champion_keeps_its_metrics_and_its_reliability_under_its_version(
    models_with: Callable[[Incumbent | None], ComparedModels],
) -> None:
    half = Interval(value=0.5, low=0.4, high=0.6)
    curve = (ReliabilityBin(low=0, high=1, stated=0.5, observed=0.5, weight=1),)
    models = models_with(Incumbent(VERSION, None, "it cannot be read"))
    found = models.as_champion(ModelScores(name="champion", metrics={"mrr": half}, reliability=curve))
    assert found is not None
    assert (found.version, found.metrics, found.reliability) == (3, {"mrr": half}, curve)
    assert models.as_champion(None) == ModelScores(name="champion", version=3, metrics={})
    assert models_with(None).as_champion(None) is None


def test_only_models_that_can_score_are_compared(model: LinkModel) -> None:
    assert list(ComparedModels(model, None, None, None).by_name) == ["challenger"]
    unreadable = Incumbent(VERSION, None, "it cannot be read")
    assert list(ComparedModels(model, unreadable, model, None).by_name) == ["challenger", "cold_control"]
    calibrated = replace(model, calibration=ScoreCalibration(1.0, 0.0))
    both = ComparedModels(model, Incumbent(VERSION, calibrated, ""), None, None)
    assert (list(both.by_name), list(both.calibrations)) == (["challenger", "champion"], ["champion"])


def test_what_any_of_the_models_has_seen_is_not_fresh(model: LinkModel) -> None:
    later = FIRST_NIGHT + timedelta(days=1)
    warm = WarmStart(version=1, as_of=later, files=(), known_nodes=1, new_nodes=0, valid_edges_seen=0)
    champion = Incumbent(VERSION, None, "")
    seen = [
        ComparedModels(model, *rest).seen_until
        for rest in ((None, None, None), (champion, None, None), (None, None, warm), (champion, None, warm))
    ]
    assert seen == [None, FIRST_NIGHT, later, later]
