"""House rules of every DAG file, and the shape of the nightly one."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from ncnc_airflow.step_task import StepTask

ROOT = Path(__file__).resolve().parents[2]
DAGS = ROOT / "dags"
DAG_FILES = sorted(DAGS.glob("*.py"))
HEAVY = ("torch", "torch_geometric", "mlflow", "dvc", "pandas", "numpy", "pyarrow", "duckdb", "pipeline", "ncnc_core")
STEPS = ["snapshot", "split", "train", "evaluate", "decide", "register", "refresh"]


def load(path: Path) -> DAG:
    """Load a DAG file as the DAG processor does and return its one DAG."""
    bag = DagBag(str(path), collect_dags=False)
    bag.process_file(str(path), only_if_updated=False)
    assert bag.import_errors == {}
    (dag,) = bag.dags.values()
    return dag


@pytest.fixture
def nightly(monkeypatch: pytest.MonkeyPatch) -> DAG:
    for name in ("NCNC_SCHEDULE", "NCNC_APPROVAL"):
        monkeypatch.delenv(name, raising=False)
    return load(DAGS / "nightly_retraining.py")


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> DAG:
    """The nightly DAG that waits for a person."""
    monkeypatch.delenv("NCNC_SCHEDULE", raising=False)
    monkeypatch.setenv("NCNC_APPROVAL", "person")
    return load(DAGS / "nightly_retraining.py")


@pytest.mark.parametrize("path", DAG_FILES, ids=lambda path: path.stem)
def test_every_dag_keeps_the_house_rules(path: Path) -> None:
    dag = load(path)
    assert dag.dag_id == path.stem
    assert dag.doc_md
    assert "Owner" in dag.doc_md
    assert "red" in dag.doc_md
    assert dag.tags
    assert isinstance(dag.start_date, datetime)
    assert dag.catchup is False
    assert dag.max_active_runs == 1
    for task in dag.tasks:
        assert task.owner != "airflow"
        assert task.doc_md
        assert task.retries >= 1
        assert task.retry_exponential_backoff
        assert task.execution_timeout is not None


@pytest.mark.parametrize("path", DAG_FILES, ids=lambda path: path.stem)
def test_importing_a_dag_file_imports_nothing_heavy(path: Path) -> None:
    look = (
        f"import json, runpy, sys; sys.path.insert(0, {str(DAGS)!r}); runpy.run_path({str(path)!r}); "
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, cwd=DAGS)
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_ruff_refuses_a_heavy_import_in_a_dag_file() -> None:
    check = [sys.executable, "-m", "ruff", "check", "--stdin-filename", str(DAGS / "planted.py"), "-"]
    done = subprocess.run(check, input="import torch\n\nprint(torch)\n", capture_output=True, text=True, check=False)
    assert "TID253" in done.stdout


def test_the_tasks_are_the_steps_in_their_order_and_what_is_said_of_them(nightly: DAG) -> None:
    assert [task.task_id for task in nightly.topological_sort()] == [*STEPS, "report", "outcome"]
    for task, follower in itertools.pairwise(STEPS):
        assert nightly.get_task(task).downstream_task_ids == {follower}


def test_the_report_runs_at_the_end_of_every_night_and_does_not_colour_the_run(nightly: DAG) -> None:
    report = nightly.get_task("report")
    assert report.upstream_task_ids == {"refresh"}
    assert report.is_teardown
    assert report.on_failure_fail_dagrun is False
    outcome = nightly.get_task("outcome")  # behind the report, so that `refresh` decides with it
    assert (outcome.upstream_task_ids, outcome.is_teardown, outcome.on_failure_fail_dagrun) == ({"report"}, True, True)
    end = datetime.fromisoformat("2026-03-02T03:00:00+00:00")
    # Its folder does not hang on what snapshot pushed, which a refused night's did not.
    run = type("Run", (), {"run_after": end})()
    there = rendered(report, data_interval_end=end, dag_run=run, ti=Spoken()).run_dir
    assert there == "$NCNC_HOME/runs/$NCNC_GRAPH-20260302T030000Z"


def test_a_person_is_asked_between_decide_and_register(asking: DAG) -> None:
    order = [*STEPS[:-2], "nominate", "evidence", "approve", "register", "refresh", "report", "outcome"]
    meanwhile = "refresh_meanwhile"  # while the person is asked, and whatever becomes of it nobody waits for it
    assert [task.task_id for task in asking.topological_sort() if task.task_id != meanwhile] == order
    for task, follower in itertools.pairwise(order):
        assert asking.get_task(task).downstream_task_ids - {meanwhile} == {follower}
    assert asking.get_task(meanwhile).upstream_task_ids == {"nominate"}
    assert asking.get_task(meanwhile).downstream_task_ids == set()
    for task in asking.tasks:
        assert task.doc_md
        assert task.retries >= 1
        assert task.execution_timeout is not None
    approve = asking.get_task("approve")
    assert approve.defaults == ["Reject"]  # what an unanswered night comes to
    # The wait must end, and the night's other tasks with it, before the run is ended as a whole.
    assert asking.dagrun_timeout is not None
    assert approve.response_timeout < asking.dagrun_timeout - timedelta(hours=10)


def test_the_form_begins_with_the_report_and_shows_what_decides_and_no_command(asking: DAG) -> None:
    said = {
        "_link_ReportLink": "http://x/report",
        "_link_IndexLink": "http://x/nights",
        "summary": "| challenger | 0.5 |",
    }

    class Told:
        def xcom_pull(self, task_ids: str, key: str = "return_value") -> str:
            return said[key] if task_ids == "evidence" else "demo-1"

    form = rendered(asking.get_task("approve"), ti=Told())
    assert form.subject == "Promote the challenger of demo-1?"
    assert form.body.strip().startswith("**[The night's report](http://x/report)**")
    assert "[All nights](http://x/nights)" in form.body
    assert "\n\n| challenger | 0.5 |\n\n" in form.body
    assert "ncnc" not in form.body


def test_nobody_is_asked_where_the_gate_alone_decides(nightly: DAG) -> None:
    assert nightly.get_task("register").arguments == []


def test_a_misspelt_mode_of_approval_promotes_nothing_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCNC_APPROVAL", "persn")
    bag = DagBag(str(DAGS / "nightly_retraining.py"), collect_dags=False)
    bag.process_file(str(DAGS / "nightly_retraining.py"), only_if_updated=False)
    (error,) = bag.import_errors.values()
    assert "NCNC_APPROVAL is 'persn', but must be automatic or person. Correct it." in error


def test_a_night_that_promoted_nothing_refreshes_behind_its_skipped_registration(nightly: DAG) -> None:
    refresh = nightly.get_task("refresh")
    assert refresh.trigger_rule == "none_failed"
    end = datetime.fromisoformat("2026-03-02T03:00:00+00:00")
    run = type("Run", (), {"run_after": end})()
    assert rendered(refresh, dag_run=run).run_dir == "$NCNC_HOME/runs/$NCNC_GRAPH-20260302T030000Z"


def test_only_training_waits_for_the_gpu(nightly: DAG) -> None:
    assert [task.task_id for task in nightly.tasks if task.pool == "gpu"] == ["train"]
    assert [task.task_id for task in nightly.tasks if task.queue == "gpu"] == ["train"]


def test_the_schedule_is_a_cron_line_unless_the_environment_says_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NCNC_SCHEDULE", raising=False)
    assert load(DAGS / "nightly_retraining.py").schedule == "0 3 * * *"
    monkeypatch.setenv("NCNC_SCHEDULE", "none")
    assert load(DAGS / "nightly_retraining.py").schedule is None


def test_a_night_of_the_oldest_demo_data_runs_its_tasks(nightly: DAG) -> None:
    assert nightly.start_date is not None
    assert nightly.start_date < datetime(
        2004, 1, 5, tzinfo=UTC
    )  # before it Airflow makes a run without tasks, and green


def test_the_manual_names_every_exit_code_and_every_task(nightly: DAG) -> None:
    manual = str(nightly.doc_md)
    for word in [
        *(f"`{step}`" for step in STEPS),
        "`nominate`",
        "`evidence`",
        "`approve`",
        "`report`",
        "`outcome`",
        "| 2 |",
        "| 75 |",
        "| 1 |",
        "99",
    ]:
        assert word in manual


def test_the_manual_says_what_unpausing_does(nightly: DAG) -> None:
    manual = " ".join(str(nightly.doc_md).split())
    assert "Unpausing this DAG runs the last missed night at once, and no earlier one." in manual


def rendered(task: StepTask, **context: object) -> StepTask:
    """Render a task's templates against a context."""
    task.render_template_fields(context)  # type: ignore[arg-type]
    return task


class Pulled:
    """Stands for the task instance in templates: what snapshot pushed."""

    def xcom_pull(self, task_ids: str) -> str:
        assert task_ids == "snapshot"
        return "demo-20260302T030000Z"


class Spoken:
    """Stands for the task instance in templates: what the steps of the night said."""

    def __init__(self, *reasons: str | None) -> None:
        self.reasons = list(reasons)

    def xcom_pull(self, task_ids: list[str], key: str) -> list[str | None]:
        assert key == "reason"
        assert set(STEPS) <= set(task_ids)
        return self.reasons


def test_as_of_is_the_end_of_the_data_interval(nightly: DAG) -> None:
    end = datetime.fromisoformat("2026-03-02T03:00:00+00:00")
    run = type("Run", (), {"run_after": end + timedelta(days=9)})()
    snapshot = rendered(nightly.get_task("snapshot"), data_interval_end=end, dag_run=run)
    assert snapshot.arguments == ["--as-of", "2026-03-02T03:00:00+00:00"]
    assert snapshot.run_dir == "$NCNC_HOME/runs/$NCNC_GRAPH-20260302T030000Z"


def test_a_run_without_a_data_interval_takes_its_run_after(nightly: DAG) -> None:
    run = type("Run", (), {"run_after": datetime.fromisoformat("2026-03-05T04:30:00+00:00")})()
    for context in ({}, {"data_interval_end": None}):
        snapshot = rendered(nightly.get_task("snapshot"), dag_run=run, **context)
        assert snapshot.arguments == ["--as-of", "2026-03-05T04:30:00+00:00"]
        nightly = load(DAGS / "nightly_retraining.py")


def test_a_night_that_waits_has_a_night_left_before_airflow_ends_it(nightly: DAG) -> None:
    snapshot = nightly.get_task("snapshot")
    assert snapshot.delivery_time < snapshot.turn_time < nightly.dagrun_timeout - timedelta(hours=20)


def test_the_report_is_told_what_the_last_step_said(nightly: DAG) -> None:
    run = type("Run", (), {"run_after": datetime.fromisoformat("2026-03-05T04:30:00+00:00")})()
    spoken = Spoken("snapshot waits: {{ ds }}", None, "train: the disk is full", None)
    report = rendered(nightly.get_task("report"), dag_run=run, ti=spoken)
    assert report.arguments == ["--ended", "--why=train: the disk is full"]
    silent = rendered(load(DAGS / "nightly_retraining.py").get_task("report"), dag_run=run, ti=Spoken(None, None))
    assert silent.arguments == ["--ended", "--why="]


def test_the_later_tasks_follow_the_run_name_that_snapshot_pushed(nightly: DAG) -> None:
    for step in STEPS[1:-1]:
        assert rendered(nightly.get_task(step), ti=Pulled()).run_dir == "$NCNC_HOME/runs/demo-20260302T030000Z"
