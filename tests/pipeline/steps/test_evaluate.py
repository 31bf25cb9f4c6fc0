from __future__ import annotations

from ncnc_core.random_spatial_network import NetworkDay
from pipeline.records.chain import TrainedModel
from pipeline.records.evaluation import EvaluationRecord
from pipeline.runs.folder import RunFolder
from tests.fixtures.house import House


def test_step_leaves_one_record_and_logs_every_figure(house: House, days: list[NetworkDay]) -> None:
    house.deliver(1, days[0])
    assert [house.step(name, 1) for name in ("snapshot", "split", "train", "evaluate")] == [0] * 4
    folder = RunFolder(house.run_dir(1))
    evaluation = folder.get(EvaluationRecord)
    metrics = house.doors.registry.server.client.get_run(folder.get(TrainedModel).mlflow_run_id).data.metrics
    assert metrics["challenger_ece"] == evaluation.challenger.metrics["ece"].value
    assert metrics["cost_sensitivity_seconds"] == next(
        cost.seconds for cost in evaluation.costs if cost.part == "sensitivity"
    )
    assert house.step("evaluate", 1) == 0
    assert folder.get(EvaluationRecord) == evaluation  # a second try evaluates nothing: its seconds are the first's
