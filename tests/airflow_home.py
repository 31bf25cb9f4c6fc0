"""An Airflow of a test's own, with its database made: making one takes seconds, copying one does not."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

DATABASE = "airflow.db"
REPOSITORY = Path(__file__).resolve().parent.parent


def made_database(shared: Path) -> Path:
    """Return a database with Airflow's tables and a pool `gpu`, made once for all processes that share the folder."""
    path = shared / "airflow-database" / DATABASE
    with (shared / "airflow-database.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.is_file():
            staged = shared / "airflow-database.staged"
            shutil.rmtree(staged, ignore_errors=True)
            staged.mkdir()
            airflow = [sys.executable, "-m", "airflow"]
            environment = os.environ | {"AIRFLOW_HOME": str(staged), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
            for argv in ([*airflow, "db", "migrate"], [*airflow, "pools", "set", "gpu", "1", "training"]):
                done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=200, check=False)
                assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
            staged.rename(path.parent)
    return path


def airflow_environment(home: Path, dags: Path, database: Path) -> dict[str, str]:
    """Return the environment of an Airflow in `home`, with a copy of the database, for DAG files in `dags`."""
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(database, home / DATABASE)
    return os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(REPOSITORY / "dags"),  # what the DAG files import
    }
