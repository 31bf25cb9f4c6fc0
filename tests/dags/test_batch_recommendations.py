from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from ncnc_airflow.served_version import SERVED_VERSION

DAGS = Path(__file__).resolve().parents[2] / "dags"


def load(name: str) -> DAG:
    bag = DagBag(str(DAGS / f"{name}.py"), collect_dags=False)
    bag.process_file(str(DAGS / f"{name}.py"), only_if_updated=False)
    assert bag.import_errors == {}
    return bag.dags[name]


@pytest.fixture(scope="module")
def batch() -> DAG:
    return load("batch_recommendations")


def test_it_starts_whenever_another_version_serves(batch: DAG, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NCNC_APPROVAL", raising=False)
    announced = {
        task.task_id: [asset.name for asset in task.outlets]
        for name in ("nightly_retraining", "champion_rollback")
        for task in load(name).tasks
        if task.outlets
    }
    assert announced == {"register": ["promoted_model"], "refresh": ["served_version"], "rollback": ["served_version"]}
    assert batch.schedule == [SERVED_VERSION]


def test_a_plan_then_mapped_shards_then_the_publication(batch: DAG) -> None:
    assert [task.task_id for task in batch.topological_sort()] == [
        "recommend_plan",
        "recommend_shard",
        "recommend_publish",
    ]
    assert batch.get_task("recommend_shard").is_mapped
    assert batch.get_task("recommend_plan").result == "shards"
    assert [task.step for task in batch.tasks if not task.is_mapped] == ["recommend-plan", "recommend-publish"]
    assert batch.get_task("recommend_shard").partial_kwargs["step"] == "recommend-shard"


def test_every_task_of_a_run_has_the_runs_folder(batch: DAG) -> None:
    run = type("Run", (), {"run_after": datetime.fromisoformat("2026-03-05T04:30:00+00:00")})()
    plan = batch.get_task("recommend_plan")
    plan.render_template_fields({"dag_run": run})
    assert plan.run_dir == "$NCNC_HOME/recommendations/$NCNC_GRAPH-20260305T043000Z"
    assert plan.arguments == ["--model", "champion", "-k", "20"]
    assert (
        len({task.partial_kwargs["run_dir"] if task.is_mapped else task.run_dir for task in load(batch.dag_id).tasks})
        == 1
    )


def test_the_manual_names_every_task_and_exit_code(batch: DAG) -> None:
    for word in [*(f"`{task.task_id}`" for task in batch.tasks), "| 2 |", "| 75 |", "| 1,"]:
        assert word in str(batch.doc_md)
