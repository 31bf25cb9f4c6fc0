"""The operator against real child processes, alone and under Airflow's own task runner."""

from __future__ import annotations

import inspect
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException, AirflowTaskTimeout
from airflow.sdk.execution_time.supervisor import ActivitySubprocess
from airflow.sdk.execution_time.timeout import timeout
from ncnc_airflow.step_task import SECONDS_BEFORE_AIRFLOW_KILLS, NotDelivered, StepTask

from tests.fixtures.airflow_home import airflow_environment

DAGS = Path(__file__).resolve().parents[3] / "dags"

# A step that ignores SIGTERM, and has a child of its own that does so too.
STUBBORN = """
import pathlib, os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path("{pids}").write_text(f"{os.getpid()} {child.pid}")
time.sleep(600)
"""
POLITE = 'import pathlib, os, time; pathlib.Path("{pids}").write_text(str(os.getpid())); time.sleep(600)'


def program(tmp_path: Path, body: str, name: str = "stand_in") -> list[str]:
    """Write a stand-in for `ncnc` and return the program to call it by."""
    path = tmp_path / f"{name}.py"
    path.write_text(body.replace("{pids}", str(tmp_path / "pids")))
    return [sys.executable, str(path)]


def run(tmp_path: Path, body: str, **arguments: object) -> str:
    """Run a stand-in as a step, outside a DAG run."""
    task = StepTask(step="train", program=program(tmp_path, body), run_dir="/runs/demo-1", **arguments)
    return task.execute.__wrapped__(task, {})  # the wrapper only forbids calls outside a task runner


def survivors(tmp_path: Path) -> list[int]:
    """Return which processes of a stand-in still run."""
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert pids, "the stand-in never started"
    return [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


def test_exit_0_returns_the_run_name_alone(tmp_path: Path) -> None:
    assert run(tmp_path, "print('anything')") == "demo-1"


def test_the_child_gets_step_run_dir_and_arguments(tmp_path: Path) -> None:
    body = 'import json, pathlib, sys; pathlib.Path("{pids}").write_text(json.dumps(sys.argv[1:]))'
    run(tmp_path, body, arguments=["--as-of", "2026-03-02T03:00:00+00:00"])
    assert json.loads((tmp_path / "pids").read_text()) == [
        "train", "--run-dir", "/runs/demo-1", "--as-of", "2026-03-02T03:00:00+00:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("exit_code", "error"),
    [
        (2, AirflowFailException),  # the input is wrong: a retry cannot help
        (99, AirflowSkipException),  # nothing to do
        (66, NotDelivered),  # the source is late
        (75, AirflowException),  # trouble outside
        (1, AirflowException),  # a bug
        (-9, AirflowException),  # killed, for memory perhaps
    ],
)
def test_exit_codes_become_airflow_outcomes(tmp_path: Path, exit_code: int, error: type[Exception]) -> None:
    end = f"sys.exit({exit_code})" if exit_code >= 0 else f"os.kill(os.getpid(), {-exit_code})"
    with pytest.raises(error) as caught:
        run(tmp_path, f"import os, sys; print('ncnc: edges.parquet is empty. Deliver it again.', flush=True); {end}")
    assert type(caught.value) is error
    assert "edges.parquet is empty. Deliver it again." in str(caught.value)


def test_the_reason_of_the_last_json_line_is_the_message(tmp_path: Path) -> None:
    line = json.dumps({"step": "snapshot", "reason": "The graph is unchanged since demo-0."})
    with pytest.raises(AirflowSkipException, match=r"^The graph is unchanged since demo-0\.$"):
        run(tmp_path, f"import sys; print({line!r}); sys.exit(99)")


def test_an_unset_variable_is_named_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NCNC_HOME", raising=False)
    task = StepTask(step="train", program=program(tmp_path, ""), run_dir="$NCNC_HOME/runs/demo-1")
    with pytest.raises(AirflowFailException, match=r"\$NCNC_HOME/runs/demo-1.*Set it where the worker starts"):
        task.execute.__wrapped__(task, {})


def test_variables_are_read_on_the_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = StepTask(step="train", program=program(tmp_path, ""), run_dir="$NCNC_HOME/runs/$NCNC_GRAPH-1")
    monkeypatch.setenv("NCNC_HOME", str(tmp_path))
    monkeypatch.setenv("NCNC_GRAPH", "roads")
    assert task.execute.__wrapped__(task, {}) == "roads-1"


def test_a_timed_out_polite_step_ends_at_sigterm(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(AirflowTaskTimeout), timeout(1):
        run(tmp_path, POLITE, grace_seconds=20)
    assert survivors(tmp_path) == []
    assert time.monotonic() - started < 10  # it did not sit out the grace


def test_a_timed_out_stubborn_step_and_its_child_are_killed_after_the_grace(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(AirflowTaskTimeout), timeout(1.5):
        run(tmp_path, STUBBORN, grace_seconds=1)
    assert survivors(tmp_path) == []
    assert time.monotonic() - started >= 2.5


def test_a_leftover_child_does_not_outlive_a_failed_try(tmp_path: Path) -> None:
    leave_one_behind = """
import pathlib, subprocess, sys
quiet = subprocess.DEVNULL
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], stdout=quiet, stderr=quiet)
pathlib.Path("{pids}").write_text(str(child.pid))
sys.exit(75)
"""
    with pytest.raises(AirflowException, match="train ended 75"):
        run(tmp_path, leave_one_behind)
    assert survivors(tmp_path) == []


def test_sigterm_from_airflow_ends_everything_before_airflow_kills(tmp_path: Path) -> None:
    stand_in = program(tmp_path, STUBBORN)
    runner = f"""
import signal, sys
sys.path.insert(0, {str(DAGS)!r})
from ncnc_airflow.step_task import StepTask
task = StepTask(step="train", program={stand_in!r}, run_dir="/runs/demo-1", grace_seconds=20)
signal.signal(signal.SIGTERM, lambda *_: task.on_kill())  # as Airflow's task runner does
task.execute.__wrapped__(task, {{}})
"""
    process = subprocess.Popen(
        [sys.executable, "-c", runner], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    while not (tmp_path / "pids").exists() or not (tmp_path / "pids").read_text():
        time.sleep(0.05)
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert survivors(tmp_path) == []
    assert f"did not end in {SECONDS_BEFORE_AIRFLOW_KILLS:.0f} s: SIGKILL" in output  # not the 20 s of a time-out
    assert "train ended -9" in output  # and never mistaken for success


def test_a_step_and_its_child_end_when_the_process_that_runs_the_task_is_killed(tmp_path: Path) -> None:
    body = """
import os, pathlib, subprocess, sys, time
sys.path.insert(0, {root!r})
from pipeline.stopping import end_with
end_with(int(os.environ["NCNC_RUNNER_PID"]))  # as `ncnc` does
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path("{pids}").write_text(f"{os.getpid()} {child.pid}")
time.sleep(600)
""".replace("{root!r}", repr(str(DAGS.parent)))
    runner = f"""
import sys
sys.path.insert(0, {str(DAGS)!r})
from ncnc_airflow.step_task import StepTask
task = StepTask(step="train", program={program(tmp_path, body)!r}, run_dir="/runs/demo-1")
task.execute.__wrapped__(task, {{}})
"""
    process = subprocess.Popen([sys.executable, "-c", runner], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (tmp_path / "pids").exists() or not (tmp_path / "pids").read_text():
        time.sleep(0.05)
        assert process.poll() is None
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while survivors(tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_grace_leaves_two_of_the_seconds_that_airflow_waits() -> None:
    airflow_waits = inspect.signature(ActivitySubprocess.kill).parameters["escalation_delay"].default
    assert airflow_waits - SECONDS_BEFORE_AIRFLOW_KILLS >= 2


DAG_FILE = """
import json, pathlib, sys
from datetime import timedelta
from airflow.sdk import DAG
from ncnc_airflow.step_task import StepTask

here = pathlib.Path(__file__).resolve().parent.parent

def task(name, **arguments):
    program = [sys.executable, str(here / f"{name}.py")]
    defaults = dict(retries=2, retry_delay=timedelta(0), run_dir="/runs/demo-1", grace_seconds=1)
    return StepTask(step=name, program=program, **(defaults | arguments))

with DAG("outcomes") as dag:
    task("wrong_input")
    task("outside_trouble")
    task("nothing_to_do") >> task("follower")
    task("slow", execution_timeout=timedelta(seconds=4))

if __name__ == "__main__":
    run = dag.test()
    found = {ti.task_id: [ti.state, ti.try_number] for ti in run.get_task_instances()}
    (here / "outcomes.json").write_text(json.dumps(found))
"""

# First try: ignores SIGTERM and never ends. Second try: looks whether the first still lives.
SLOW = (
    """
import pathlib, sys, psutil
pids = pathlib.Path("{pids}")
if pids.exists():
    alive = [p for p in pids.read_text().split() if psutil.pid_exists(int(p))
             and psutil.Process(int(p)).status() != psutil.STATUS_ZOMBIE]
    pids.with_name("alive_at_second_try").write_text(" ".join(alive))
    sys.exit(0)
"""
    + STUBBORN
)
OUTSIDE_TROUBLE = """
import pathlib, sys
seen = pathlib.Path("{pids}").with_name("tried")
if seen.exists():
    sys.exit(0)
seen.touch()
sys.exit(75)
"""


@pytest.mark.slow
def test_under_the_task_runner_2_is_final_75_is_retried_99_skips_and_tries_never_overlap(
    tmp_path: Path, airflow_database: Path
) -> None:
    program(tmp_path, "import sys; sys.exit(2)", "wrong_input")
    program(tmp_path, OUTSIDE_TROUBLE, "outside_trouble")
    program(tmp_path, "import sys; sys.exit(99)", "nothing_to_do")
    program(tmp_path, "", "follower")
    program(tmp_path, SLOW, "slow")
    dag_file = tmp_path / "dags" / "outcomes.py"
    dag_file.parent.mkdir()
    dag_file.write_text(DAG_FILE)
    environment = airflow_environment(tmp_path / "airflow", dag_file.parent, airflow_database)
    argv = [sys.executable, str(dag_file)]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert (tmp_path / "outcomes.json").is_file(), done.stdout[-3000:] + done.stderr[-3000:]
    assert json.loads((tmp_path / "outcomes.json").read_text()) == {
        "wrong_input": ["failed", 1],
        "outside_trouble": ["success", 2],
        "nothing_to_do": ["skipped", 1],
        "follower": ["skipped", 0],
        "slow": ["success", 2],
    }
    assert (tmp_path / "alive_at_second_try").read_text() == ""


def test_a_named_field_of_the_line_is_returned_instead_of_the_run_name(tmp_path: Path) -> None:
    body = """print("first"); print('{"run": "demo-1", "shards": [0, 1, 2]}')"""
    assert run(tmp_path, body, result="shards") == [0, 1, 2]
