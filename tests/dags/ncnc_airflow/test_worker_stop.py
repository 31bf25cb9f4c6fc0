"""A worker's main process, told to shut down, and the steps below it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DAGS = Path(__file__).resolve().parents[3] / "dags"

# A worker: a task that runs already, one that begins its step after the signal, and a helper that is no step.
WORKER = f"""
import subprocess, sys, time
sys.path.insert(0, {str(DAGS)!r})
import ncnc_airflow.worker_stop
from celery.signals import worker_shutting_down

WAITS = [sys.executable, "-c", "import time; time.sleep(600)"]
RUNNER = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:], start_new_session=True).returncode)"

def task():
    return subprocess.Popen([sys.executable, "-c", RUNNER, *WAITS])

helper, early = subprocess.Popen(WAITS), task()
while not ncnc_airflow.worker_stop.steps_of(__import__("os").getpid()):
    time.sleep(0.05)
worker_shutting_down.send(sender="worker", sig="SIGTERM", how="Warm", exitcode=0)
late = task()
print(early.wait(timeout=60), late.wait(timeout=60), helper.poll(), flush=True)
helper.kill()
"""


def test_a_worker_that_is_stopped_tells_its_steps_also_one_that_begins_later() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORKER],
        stdout=subprocess.PIPE,
        text=True,
        timeout=200,
        check=True,
        start_new_session=True,
    )
    assert done.stdout == "241 241 None\n"  # each ended by SIGTERM; the helper lives
