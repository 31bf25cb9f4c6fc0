"""The form and the command of the rollback DAG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from airflow.sdk.exceptions import ParamValidationError

PATH = Path(__file__).resolve().parents[2] / "dags" / "champion_rollback.py"
FILLED: dict[str, Any] = {"graph": "demo", "version": 3, "reason": "complaints since Tuesday"}  # Any: a form's values


@pytest.fixture
def rollback() -> DAG:
    bag = DagBag(str(PATH), collect_dags=False)
    bag.process_file(str(PATH), only_if_updated=False)
    assert bag.import_errors == {}
    (dag,) = bag.dags.values()
    return dag


def test_it_has_a_queue_of_its_own_that_no_night_and_no_batch_can_fill(rollback: DAG) -> None:
    assert [task.queue for task in rollback.tasks] == ["urgent"]
    others = [path for path in PATH.parent.glob("*.py") if path != PATH]
    assert len(others) == 2
    assert not [path.name for path in others if "urgent" in path.read_text()]


def test_it_runs_only_when_somebody_asks(rollback: DAG) -> None:
    assert rollback.schedule is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": 0},
        {"version": "three"},
        {"graph": "Demo; rm"},
        {"reason": "oops"},  # too short to tell anybody anything
        {"graph": None},
        {"reason": None},
    ],
)
def test_form_refuses_what_is_no_rollback(rollback: DAG, wrong: dict[str, Any]) -> None:
    form = rollback.params
    with pytest.raises(ParamValidationError):  # noqa: PT012  a value is refused when it is filled in, or when all are
        for name, value in (FILLED | wrong).items():
            if value is not None:  # left empty
                form[name] = value
        form.validate()


def test_the_form_becomes_the_command_and_names_who_asked(rollback: DAG) -> None:
    task = rollback.get_task("rollback")
    run = type("Run", (), {"triggering_user_name": "ann"})()
    reason = "{{ 7 * 7 }} --override $HOME"  # what a person typed is text, whatever it looks like
    task.render_template_fields({"params": FILLED | {"reason": reason}, "dag_run": run})  # type: ignore[arg-type]
    assert task.run_dir is None
    assert task.arguments == ["--graph=demo", "--to=3", f"--reason={reason}", "--who=ann"]
