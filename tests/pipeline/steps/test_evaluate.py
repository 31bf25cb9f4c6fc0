from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ncnc_core.evaluation.score_calibration import ScoreCalibration
from ncnc_core.link_model import LinkModel
from ncnc_core.random_spatial_network import NetworkDay
from pipeline.records.chain import TrainedModel
from pipeline.records.evaluation import EvaluationRecord, Interval, ModelScores, ReliabilityBin
from pipeline.registry.facts import ModelVersion
from pipeline.runs.folder import RunFolder
from pipeline.runs.incumbent import Incumbent
from pipeline.steps.evaluate import as_champion, champion_note
from tests.fixtures.house import FIRST_NIGHT, House

VERSION = ModelVersion("small", 3, "run", "model", "5" * 64, "small-x", FIRST_NIGHT, (), {})


def test_report_says_how_good_where_how_sure_how_steady_and_at_what_cost(house: House, days: list[NetworkDay]) -> None:
    house.deliver(1, days[0])
    assert [house.step(name, 1) for name in ("snapshot", "split", "train", "evaluate")] == [0] * 4
    folder = RunFolder(house.run_dir(1))
    evaluation, challenger = folder.get(EvaluationRecord), folder.get(EvaluationRecord).challenger

    assert {"hits@1", "hits@3", "hits@10", "hits@20", "shared_hits@50", "shared_hits@100"} <= challenger.metrics.keys()
    assert {"mrr", "auc", "average_precision", "brier", "ece"} <= challenger.metrics.keys()
    assert sum(part.weight for part in challenger.reliability) == pytest.approx(1)
    assert challenger.metrics["brier"].value < 0.25  # what a constant half has
    assert all("ece" not in scores.metrics and not scores.reliability for scores in evaluation.floor)
    assert LinkModel.load(house.run_dir(1) / "model").calibration is not None

    for kind in ("degree", "node_age", "component"):
        assert sum(part.num_edges for part in evaluation.slices if part.kind == kind) == evaluation.num_test_edges
    best = max(evaluation.floor, key=lambda scores: scores.metrics["mrr"].value).name
    shaken = [(one.scorer, one.change, one.share) for one in evaluation.sensitivity]
    assert shaken == [
        (who, how, share) for how in ("remove", "add") for share in (0.01, 0.05) for who in ("challenger", best)
    ]
    assert all(0 < one.rank_correlation <= 1 for one in evaluation.sensitivity)
    costs = {cost.part: cost for cost in evaluation.costs}
    assert {"scoring challenger", f"scoring {best}", "intervals", "slices", "sensitivity"} <= costs.keys()
    assert costs["scoring challenger"].pairs == evaluation.num_test_edges * 21
    assert sum(cost.seconds for cost in evaluation.costs) <= evaluation.seconds

    metrics = house.doors.registry.server.client.get_run(folder.get(TrainedModel).mlflow_run_id).data.metrics
    assert metrics["challenger_ece"] == challenger.metrics["ece"].value
    assert metrics["cost_sensitivity_seconds"] == costs["sensitivity"].seconds


def test_a_champion_from_before_calibrations_is_said_to_state_no_probability(make_model: Callable[..., Path]) -> None:
    old = LinkModel.load(make_model([10, 20, 30, 40]))
    assert "saved without a calibration" in champion_note(Incumbent(VERSION, old, ""))
    new = replace(old, calibration=ScoreCalibration(1.0, 0.0))
    assert champion_note(Incumbent(VERSION, new, "")) == champion_note(None) == ""
    assert champion_note(Incumbent(VERSION, None, "it cannot be read")) == "it cannot be read"


def test_the_champion_keeps_its_metrics_and_its_reliability_under_its_version() -> None:
    half = Interval(value=0.5, low=0.4, high=0.6)
    curve = (ReliabilityBin(low=0, high=1, stated=0.5, observed=0.5, weight=1),)
    found = as_champion(ModelScores(name="champion", metrics={"mrr": half}, reliability=curve), 3)
    assert (found.version, found.metrics, found.reliability) == (3, {"mrr": half}, curve)
    assert as_champion(None, 3) == ModelScores(name="champion", version=3, metrics={})
