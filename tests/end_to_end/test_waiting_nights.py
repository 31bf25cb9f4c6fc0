"""Nights whose delivery is not there, in the committed DAG; a script stands in the place of `ncnc`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.fixtures.airflow_home import airflow_environment, run_all, with_ncnc

DAGS = Path(__file__).parents[2] / "dags"

# Two nights whose delivery is not there: one comes late, the other one is marked as failed by a person.
WAIT = """
import json, pathlib, sys, threading, time
from datetime import datetime, timedelta

from airflow.api.common.mark_tasks import set_dag_run_state_to_failed
from airflow.models.taskinstance import TaskInstance
from airflow.serialization.serialized_objects import DagSerialization
from airflow.utils.session import create_session
from nightly_retraining import dag
from sqlalchemy import select

# Before any thread asks the database: what this imports would wait for the thread, and the thread for it.
stored = DagSerialization.from_dict(DagSerialization.to_dict(dag))
waiting = select(TaskInstance).where(TaskInstance.task_id == "snapshot", TaskInstance.state == "up_for_reschedule")

def once_it_waits(go_on):
    def act():
        while True:
            with create_session() as session:
                task = session.scalar(waiting)
            if task is not None:
                return go_on(task.run_id)
            time.sleep(0.2)
    threading.Thread(target=act, daemon=True).start()

def deliver(run_id):
    pathlib.Path(sys.argv[2]).touch()

def fail(run_id):
    set_dag_run_state_to_failed(dag=stored, run_id=run_id, commit=True)

dag.get_task("snapshot").look_every = timedelta(seconds=1)
found = {}
for day, go_on in (("21", deliver), ("22", fail)):
    pathlib.Path(sys.argv[2]).unlink(missing_ok=True)
    once_it_waits(go_on)
    run = dag.test(logical_date=datetime.fromisoformat(f"2026-01-{day}T03:00:00+00:00"))
    tries = {ti.task_id: ti for ti in run.get_task_instances()}
    states = {name: ti.state for name, ti in tries.items()}
    found[go_on.__name__] = [run.state, states, tries["snapshot"].try_number]
json.dump(found, open(sys.argv[1], "w"))
"""
WAIT_NCNC = """#!/bin/sh
printf '%s\\n' "$*" >> "$CALLS"
case "$*" in
  snapshot*) test -e "$NCNC_HOME/delivered" || { echo 'ncnc: no file yet'; exit 66; };;
  register*) printf '{"sha256": "%s"}\\n' "$3";;
  refresh*) echo '{"run": "demo-20260121T030000Z", "served": 1}';;
  report*--why=?*) echo '{"outcome": "failed"}';;
  report*) echo '{"outcome": "promoted"}';;
esac
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_late_delivery_costs_no_try_and_a_night_ended_by_hand_is_red_with_what_it_waited_for(
    airflow_database: Path, tmp_path: Path
) -> None:
    environment = airflow_environment(tmp_path / "airflow", DAGS, airflow_database) | with_ncnc(WAIT_NCNC, tmp_path)
    environment["NCNC_SCHEDULE"] = "none"
    argv = [sys.executable, "-c", WAIT, str(tmp_path / "outcome.json"), str(tmp_path / "delivered")]
    run_all([argv], environment, tmp_path, timeout=200)

    found = json.loads((tmp_path / "outcome.json").read_text())
    steps = ("snapshot", "split", "train", "evaluate", "decide", "register", "refresh")
    assert found["deliver"] == ["success", dict.fromkeys((*steps, "report", "outcome"), "success"), 1]
    state, states, _ = found["fail"]
    assert (state, states["outcome"]) == ("failed", "failed")
    assert {states[step] for step in steps[1:]} == {"skipped"}  # for which Airflow alone would call the night green
    reports = [call for call in (tmp_path / "calls").read_text().splitlines() if call.startswith("report")]
    assert [call.partition(" --ended ")[2] for call in reports] == [
        "--why=",
        "--why=snapshot waits: snapshot ended 66: no file yet",
    ]
