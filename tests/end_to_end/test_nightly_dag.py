"""The committed DAG, run by Airflow's own `dag.test()` with the real command line behind every task."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from ncnc_core.random_spatial_network import NetworkDay
from pipeline.ledger.entries import AliasEntry
from tests.fixtures.airflow_home import airflow_environment, run_all, with_ncnc
from tests.fixtures.house import House

DAGS = Path(__file__).parents[2] / "dags"
PLAY = """
import json, sys
from datetime import datetime
from nightly_retraining import dag

found = []
for _ in range(2):
    run = dag.test(logical_date=datetime.fromisoformat(sys.argv[1]))
    found.append({ti.task_id: ti.state for ti in run.get_task_instances()})
    json.dump(found, open(sys.argv[2], "w"))
"""


# A person answers through Airflow's own REST API; the time runs out as the scheduler sees it.
ASK = """
import json, sys, threading, time
from datetime import datetime, timedelta

from airflow.api_fastapi.app import create_app, get_auth_manager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.jobs.job import Job
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from fastapi.testclient import TestClient
from nightly_retraining import dag
from sqlalchemy import select

app = create_app(apps="core")
token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="ann", role="admin"))
client = TestClient(app, headers={"Authorization": f"Bearer {token}"})
waiting = select(TaskInstance).where(TaskInstance.task_id == "approve", TaskInstance.state == "awaiting_input")

def answer(choice):
    while True:
        with create_session() as session:
            task = session.scalar(waiting)
        if task is not None:
            break
        time.sleep(0.2)
    if choice == "nobody":
        time.sleep(1.1)
        SchedulerJobRunner(job=Job()).check_awaiting_input_timeouts()
        return
    run = f"/api/v2/dags/nightly_retraining/dagRuns/{task.run_id}"
    words = {"reason": "wait for {{ ds }}"} if choice == "Reject" else {}  # the form may stay empty
    body = {"chosen_options": [choice], "params_input": words}
    client.patch(f"{run}/taskInstances/approve/-1/hitlDetails", json=body).raise_for_status()

found = {}
for day, choice in enumerate(("Approve", "nobody", "Reject"), start=1):
    dag.get_task("approve").response_timeout = timedelta(seconds=1 if choice == "nobody" else 3600)
    threading.Thread(target=answer, args=(choice,), daemon=True).start()
    run = dag.test(logical_date=datetime.fromisoformat(f"2026-01-0{day}T03:00:00+00:00"))
    found[choice] = {ti.task_id: ti.state for ti in run.get_task_instances()}
json.dump(found, open(sys.argv[1], "w"))
"""
NCNC = """#!/bin/sh
printf '%s\\n' "$*" >> "$CALLS"
case "$*" in
  *--answer=Reject*) exit 99;;
  register*) printf '{"sha256": "%s"}\\n' "$3";;
  refresh*) echo '{"run": "demo-20260102T030000Z", "served": 1, "reason": "serves it already"}'; exit 99;;
esac
"""

# What sets off a batch: an event of the asset for each version that comes to serve, and the batch that waits for one.
SET_OFF = """
import json, sys
from datetime import datetime

from airflow.models.asset import AssetEvent
from airflow.utils.session import create_session
from batch_recommendations import dag as batch
from nightly_retraining import dag as nightly
from sqlalchemy import func, select

def events():
    with create_session() as session:
        return session.scalar(select(func.count()).select_from(AssetEvent))

found, before = {}, events()
for day, outcome in (("11", "promoted"), ("12", "kept"), ("11", "run again")):
    run = nightly.test(logical_date=datetime.fromisoformat(f"2026-01-{day}T03:00:00+00:00"))
    found[outcome] = [*(run.get_task_instance(task).state for task in ("register", "refresh")), events() - before]
run = batch.test(logical_date=datetime.fromisoformat("2026-01-13T03:00:00+00:00"))
found["batch"] = [[ti.task_id, ti.map_index, ti.state] for ti in run.get_task_instances()]
json.dump(found, open(sys.argv[1], "w"))
"""
SET_OFF_NCNC = """#!/bin/sh
printf '%s\\n' "$*" >> "$CALLS"
case "$*" in
  register*20260112*) exit 99;;
  register*) printf '{"sha256": "%s"}\\n' "$3";;
  refresh*20260112*) echo '{"run": "demo-20260112T030000Z", "served": 12}';;
  refresh*) grep -q 'refresh.*20260112' "$CALLS" && now=12 || now=11
    printf '{"run": "demo-20260111T030000Z", "served": %s, "reason": "serves it already"}\\n' $now; exit 99;;
  recommend-plan*) echo '{"shards": [0, 1, 2]}';;
esac
"""


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory, airflow_database: Path) -> dict[str, str]:
    """The environment of one Airflow that all nights of this file share."""
    environment = airflow_environment(tmp_path_factory.mktemp("airflow"), DAGS, airflow_database)
    return environment | {"NCNC_SCHEDULE": "none"}


def state_of(house: House) -> tuple[int, int, int, dict[str, int]]:
    """Everything a second run of the night must leave alone: MLflow runs, versions, tags, aliases."""
    client = house.doors.registry.server.client
    experiments = [item.experiment_id for item in client.search_experiments()]
    tags = subprocess.run(
        ["git", "-C", house.values["NCNC_DATA_REPOSITORY"], "tag"], capture_output=True, text=True, check=True
    )
    versions = client.search_model_versions(f"name = '{house.graph}'")
    aliases = house.doors.registry.aliases.of(house.graph)
    return len(client.search_runs(experiments)), len(versions), len(tags.stdout.split()), aliases


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_one_logical_date_played_twice_makes_one_night(
    house: House, days: list[NetworkDay], airflow: dict[str, str]
) -> None:
    house.deliver(1, days[0])
    outcome = house.folder / "outcome.json"
    environment = airflow | house.values
    environment |= {
        "NCNC_GRAPH": house.graph,
        "NCNC_PARAMS": str(house.params_file),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    run_all([[sys.executable, "-c", PLAY, house.as_of(1).isoformat(), str(outcome)]], environment, house.folder)

    first, second = json.loads(outcome.read_text())
    steps = ("snapshot", "split", "train", "evaluate", "decide", "register", "refresh")
    assert first == dict.fromkeys((*steps, "report", "outcome"), "success")
    assert second == first | {"register": "skipped", "refresh": "skipped"}  # it promotes nothing, and announces nothing
    # Two runs: the night's and that of the index. Three tags: the snapshot's, the split's and the night's.
    assert state_of(house) == (2, 1, 3, {"challenger": 1, "champion": 1})
    assert [entry.outcome for entry in house.entries()] == ["promoted"]
    moves = [entry for entry in house.doors.ledger.entries(house.graph) if isinstance(entry, AliasEntry)]
    assert [(move.alias, move.version) for move in moves] == [("challenger", 1), ("champion", 1)]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_night_that_asks_a_person_hands_the_answer_to_register(airflow: dict[str, str], tmp_path: Path) -> None:
    environment = airflow | with_ncnc(NCNC, tmp_path) | {"NCNC_APPROVAL": "person"}
    run_all([[sys.executable, "-c", ASK, str(tmp_path / "outcome.json")]], environment, tmp_path, timeout=200)

    found = json.loads((tmp_path / "outcome.json").read_text())
    assert [found[choice]["approve"] for choice in found] == ["success"] * 3
    assert {choice: states["register"] for choice, states in found.items()} == {
        "Approve": "success", "nobody": "skipped", "Reject": "skipped",
    }  # fmt: skip
    calls = (tmp_path / "calls").read_text().splitlines()
    assert sum(call.startswith("nominate --run-dir") for call in calls) == 3
    answers = [call.partition("Z --")[2].partition(" --at=") for call in calls if call.startswith("register")]
    assert [said for said, _, _ in answers] == [
        "answer=Approve --by=ann",
        "answer=Reject --by=",
        "answer=Reject --by=ann",
    ]
    times_and_reasons = [rest.partition(" --why=") for _, _, rest in answers]
    assert all(datetime.fromisoformat(at).tzinfo for at, _, _ in times_and_reasons)
    assert [why for _, _, why in times_and_reasons] == ["", "", "wait for {{ ds }}"]  # words, and no template


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_each_change_of_what_serves_sets_off_a_batch_of_mapped_shards_once(
    airflow: dict[str, str], tmp_path: Path
) -> None:
    environment = airflow | with_ncnc(SET_OFF_NCNC, tmp_path)
    run_all([[sys.executable, "-c", SET_OFF, str(tmp_path / "outcome.json")]], environment, tmp_path, timeout=200)

    found = json.loads((tmp_path / "outcome.json").read_text())
    assert found["promoted"] == ["success", "success", 2]  # that it was promoted, and that it serves
    assert found["kept"] == ["skipped", "success", 3]  # the same weights, on another graph
    assert found["run again"] == ["skipped", "skipped", 3]  # what was announced before is not announced again
    assert sorted(found["batch"]) == [
        ["recommend_plan", -1, "success"],
        ["recommend_publish", -1, "success"],
        *(["recommend_shard", shard, "success"] for shard in (0, 1, 2)),
    ]
    calls = [call for call in (tmp_path / "calls").read_text().splitlines() if call.startswith("recommend-")]
    (run_dir,) = {call.split()[2] for call in calls}
    assert run_dir.startswith(f"{tmp_path}/recommendations/small-")
    assert [call.replace(run_dir, "R") for call in (calls[0], *sorted(calls[1:-1]), calls[-1])] == [
        "recommend-plan --run-dir R --model champion -k 20",
        *(f"recommend-shard --run-dir R --shard {shard}" for shard in (0, 1, 2)),
        "recommend-publish --run-dir R",
    ]
