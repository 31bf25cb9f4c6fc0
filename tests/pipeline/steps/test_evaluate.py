from __future__ import annotations

import pytest

from ncnc_core.link_model import LinkModel
from ncnc_core.random_spatial_network import NetworkDay
from pipeline.records import EvaluationReport, TrainedModel
from pipeline.run_folder import RunFolder
from tests.house import House


def test_report_says_how_good_where_how_sure_how_steady_and_at_what_cost(house: House, days: list[NetworkDay]) -> None:
    house.deliver(1, days[0])
    assert [house.step(name, 1) for name in ("snapshot", "split", "train", "evaluate")] == [0] * 4
    folder = RunFolder(house.run_dir(1))
    report, challenger = folder.get(EvaluationReport), folder.get(EvaluationReport).challenger

    assert {"hits@1", "hits@3", "hits@10", "hits@20", "shared_hits@50", "shared_hits@100"} <= challenger.metrics.keys()
    assert {"mrr", "auc", "average_precision", "brier", "ece"} <= challenger.metrics.keys()
    assert sum(part.weight for part in challenger.reliability) == pytest.approx(1)
    assert challenger.metrics["brier"].value < 0.25  # what a constant half has
    assert all("ece" not in scores.metrics and not scores.reliability for scores in report.floor)
    assert LinkModel.load(house.run_dir(1) / "model").calibration is not None

    for kind in ("degree", "node_age", "component"):
        assert sum(part.num_edges for part in report.slices if part.kind == kind) == report.num_test_edges
    best = max(report.floor, key=lambda scores: scores.metrics["mrr"].value).name
    shaken = [(one.scorer, one.change, one.share) for one in report.sensitivity]
    assert shaken == [
        (who, how, share) for how in ("remove", "add") for share in (0.01, 0.05) for who in ("challenger", best)
    ]
    assert all(0 < one.rank_correlation <= 1 for one in report.sensitivity)
    costs = {cost.part: cost for cost in report.costs}
    assert {"scoring challenger", f"scoring {best}", "intervals", "slices", "sensitivity"} <= costs.keys()
    assert costs["scoring challenger"].pairs == report.num_test_edges * 21
    assert sum(cost.seconds for cost in report.costs) <= report.seconds

    metrics = house.doors.registry._client.get_run(folder.get(TrainedModel).mlflow_run_id).data.metrics
    assert metrics["challenger_ece"] == challenger.metrics["ece"].value
    assert metrics["cost_sensitivity_seconds"] == costs["sensitivity"].seconds
