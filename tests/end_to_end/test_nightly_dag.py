"""The committed DAG, run by Airflow's own `dag.test()` with the real command line behind every task."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ncnc_core.random_spatial_network import NetworkDay
from pipeline.records import AliasEntry
from tests.house import House

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


def state_of(house: House) -> tuple[int, int, int, dict[str, int]]:
    """Everything a second run of the night must leave alone: MLflow runs, versions, tags, aliases."""
    client = house.doors.registry._client
    experiments = [item.experiment_id for item in client.search_experiments()]
    tags = subprocess.run(
        ["git", "-C", house.values["NCNC_DATA_REPOSITORY"], "tag"], capture_output=True, text=True, check=True
    )
    versions = client.search_model_versions(f"name = '{house.graph}'")
    aliases = house.doors.registry.aliases(house.graph)
    return len(client.search_runs(experiments)), len(versions), len(tags.stdout.split()), aliases


@pytest.mark.timeout(600)
def test_one_logical_date_played_twice_makes_one_night(house: House, days: list[NetworkDay]) -> None:
    house.deliver(1, days[0])
    environment = os.environ | house.values
    environment |= {
        "AIRFLOW_HOME": str(house.folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "NCNC_SCHEDULE": "none",
        "NCNC_GRAPH": house.graph,
        "NCNC_PARAMS": str(house.params_file),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(DAGS),
        "OMP_NUM_THREADS": "1",
    }
    outcome = house.folder / "outcome.json"
    airflow = [sys.executable, "-m", "airflow"]
    for argv in (
        [*airflow, "db", "migrate"],
        [*airflow, "pools", "set", "gpu", "1", "training"],
        [sys.executable, "-c", PLAY, house.as_of(1).isoformat(), str(outcome)],
    ):
        done = subprocess.run(argv, env=environment, cwd=house.folder, capture_output=True, text=True, timeout=400)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

    first, second = json.loads(outcome.read_text())
    steps = ("snapshot", "split", "train", "evaluate", "decide", "register")
    assert first == second == dict.fromkeys((*steps, "report"), "success")
    # Three tags: the snapshot's, the split's and the night's.
    assert state_of(house) == (1, 1, 3, {"challenger": 1, "champion": 1})
    assert [entry.outcome for entry in house.entries()] == ["promoted"]
    moves = [entry for entry in house.doors.ledger.entries(house.graph) if isinstance(entry, AliasEntry)]
    assert [(move.alias, move.version) for move in moves] == [("challenger", 1), ("champion", 1)]
