"""One night on six machines that share git, MLflow and an S3 store, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ncnc_core.random_spatial_network import NetworkDay
from pipeline.snapshots.snapshot_store import SnapshotStore
from tests.fixtures.house import STEPS, House
from tests.fixtures.local_services import git_daemon, mlflow_server, s3_store


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_each_step_of_a_night_runs_on_a_machine_of_its_own(
    house: House, days: list[NetworkDay], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.deliver(1, days[0])
    run_name = house.run_dir(1).name
    with git_daemon(tmp_path) as origin, mlflow_server(tmp_path) as tracking, s3_store(tmp_path, "graphs") as access:
        for name, value in access.items():
            monkeypatch.setenv(name, value)
        SnapshotStore.create(origin, "s3://graphs/dvc")
        shared = {**access, "NCNC_DATA_REPOSITORY": origin, "MLFLOW_TRACKING_URI": tracking, "OMP_NUM_THREADS": "1"}
        lines = []
        for step in ("snapshot", *STEPS):
            machine = tmp_path / f"machine-{step}"
            own = {"NCNC_HOME": str(machine / "home"), "HOME": str(machine), "TMPDIR": str(machine / "tmp")}
            (machine / "tmp").mkdir(parents=True)
            argv = [step, "--run-dir", str(machine / "home" / "runs" / run_name)]
            if step == "snapshot":  # only this machine sees the source and the parameters
                own |= {name: house.values[name] for name in ("NCNC_SOURCE_EDGES", "NCNC_SOURCE_NODES")}
                argv += ["--as-of", house.as_of(1).isoformat(), "--params", str(house.params_file)]
            lines.append(run_on(machine, argv, {"PATH": os.environ["PATH"], **shared, **own}))

    assert [line["exit_code"] for line in lines] == [0] * 6
    assert [line["step"] for line in lines] == ["snapshot", *STEPS]
    left = {path.name for path in (tmp_path / "machine-register" / "home" / "runs" / run_name).glob("*.json")}
    assert {"registered_model.json", "lineage_record.json", "graph_snapshot.json"} <= left
    assert not (tmp_path / "machine-decide" / "home" / "runs" / run_name / "snapshot").exists()


def run_on(machine: Path, argv: list[str], environment: dict[str, str]) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *argv],
        env=environment,
        cwd=machine,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    line: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return line
