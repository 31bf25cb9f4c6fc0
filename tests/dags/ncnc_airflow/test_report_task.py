"""The report at the end of every night: it always runs, never colours the run, and leads to the page."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest
from ncnc_airflow.report_task import IndexLink, ReportLink, ReportTask

from tests.fixtures.airflow_home import airflow_environment
from tests.fixtures.receivers import Posts, running

DAGS = Path(__file__).resolve().parents[3] / "dags"
ADDRESS = "http://localhost:5000/#/experiments/1/runs/abc/artifactPath/report/report.html"
ALL = "http://localhost:5000/#/experiments/2/runs/r/artifactPath/report/nights.html"

# Nights of two steps that end as they are told, on a real Airflow database.
NIGHTS = """
import json, pathlib
from airflow.sdk import DAG
from ncnc_airflow.night_notifier import NightNotifier
from ncnc_airflow.report_task import ReportTask
from ncnc_airflow.step_task import StepTask

here = pathlib.Path(__file__).resolve().parent.parent
program, endings = json.loads((here / "told.json").read_text())

def night(snapshot, register):
    with DAG(f"night_{snapshot}_{register}") as dag:
        tasks = [
            StepTask(step="snapshot", program=program, run_dir="demo-1", arguments=[snapshot]),
            StepTask(step="register", program=program, run_dir="demo-1", arguments=[register]),
            ReportTask(
                step="report", program=program, run_dir="demo-1", arguments=["0"], on_success_callback=NightNotifier()
            ).as_teardown(),
        ]
        tasks[0] >> tasks[1] >> tasks[2]
    return dag

for snapshot, register in endings:
    globals()[f"night_{snapshot}_{register}"] = night(snapshot, register)

def outcome(dag):
    from airflow.serialization.serialized_objects import DagSerialization
    run = dag.test()
    tries = {ti.task_id: ti for ti in run.get_task_instances()}
    # As the pages ask for it: from the DAG as it is stored, which knows no class of ours.
    stored = DagSerialization.from_dict(DagSerialization.to_dict(dag)).get_task("report")
    links = [stored.get_extra_links(tries["report"], name) for name in ("Report of the night", "All nights")]
    return [run.state, {name: ti.state for name, ti in tries.items()}, links]

if __name__ == "__main__":
    found = {name: outcome(dag) for name, dag in list(globals().items()) if name.startswith("night_")}
    (here / "found.json").write_text(json.dumps(found))
"""


def stand_in(tmp_path: Path) -> list[str]:
    """Write a stand-in for `ncnc` that ends with its last argument and prints a line."""
    line = json.dumps({"run": "demo-1", "reason": "told so", "link": ADDRESS, "index_link": ALL, "outcome": "failed"})
    path = tmp_path / "stand_in.py"
    path.write_text(f"import sys\nprint('a log line')\nprint({line!r}, flush=True)\nsys.exit(int(sys.argv[-1]))\n")
    return [sys.executable, str(path)]


@pytest.mark.slow
def test_the_report_runs_whatever_came_of_the_night_and_the_run_keeps_the_nights_state(
    tmp_path: Path, airflow_database: Path
) -> None:
    endings = [["2", "0"], ["99", "0"]]
    (tmp_path / "told.json").write_text(json.dumps([stand_in(tmp_path), endings]))
    dag_file = tmp_path / "dags" / "nights.py"
    dag_file.parent.mkdir()
    dag_file.write_text(NIGHTS)
    environment = airflow_environment(tmp_path / "airflow", dag_file.parent, airflow_database)
    argv = [sys.executable, str(dag_file)]
    server = Posts(200)
    with running(server) as port:
        environment["AIRFLOW_CONN_NCNC_NOTIFY"] = f"http://127.0.0.1:{port}/hook"
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert (tmp_path / "found.json").is_file(), done.stdout[-3000:] + done.stderr[-3000:]

    def night(run: str, snapshot: str, register: str) -> list[object]:
        return [run, {"snapshot": snapshot, "register": register, "report": "success"}, [ADDRESS, ALL]]

    assert json.loads((tmp_path / "found.json").read_text()) == {
        "night_2_0": night("failed", "failed", "upstream_failed"),  # refused
        "night_99_0": night("success", "skipped", "skipped"),  # the graph was unchanged
    }
    assert [path for path, _, _ in server.received] == ["/hook", "/hook"]  # a person is told, by the task itself
    assert all(f"The night's report: {ADDRESS}" in body["text"] for _, _, body in server.received)


@pytest.mark.parametrize(
    ("line", "address"),
    [
        (json.dumps({"link": ADDRESS}), ADDRESS),
        (json.dumps({"link": None}), ""),
        (json.dumps(["link"]), ""),
        ("Killed", ""),
    ],
)
def test_the_address_is_what_the_command_printed_last(tmp_path: Path, line: str, address: str) -> None:
    path = tmp_path / "stand_in.py"
    path.write_text(f"print({line!r})\n")
    task = ReportTask(step="report", program=[sys.executable, str(path)], run_dir="/runs/demo-1")
    assert task.execute.__wrapped__(task, {}) == "demo-1"
    assert ReportLink().get_link(task, ti_key=None) == address  # type: ignore[arg-type]  # the link asks the task alone


def test_the_second_button_opens_the_index_of_all_nights(tmp_path: Path) -> None:
    task = ReportTask(step="report", program=stand_in(tmp_path), run_dir="/runs/demo-1", arguments=["0"])
    task.execute.__wrapped__(task, {})
    assert IndexLink().get_link(task, ti_key=None) == ALL  # type: ignore[arg-type]
    assert [link.name for link in task.operator_extra_links] == ["Report of the night", "All nights"]


def test_a_report_that_failed_has_no_link(tmp_path: Path) -> None:
    task = ReportTask(step="report", program=stand_in(tmp_path), run_dir="/runs/demo-1", arguments=["75"])
    with pytest.raises(Exception, match="told so"):
        task.execute.__wrapped__(task, {})
    assert ReportLink().get_link(task, ti_key=None) == ""  # type: ignore[arg-type]


def test_the_outcome_and_what_decides_are_passed_on(tmp_path: Path) -> None:
    class Instance:
        pushed: ClassVar[dict[str, object]] = {}

        def xcom_push(self, key: str, value: object) -> None:
            self.pushed[key] = value

    path = tmp_path / "stand_in.py"
    said = {"outcome": "failed", "summary": "| MRR |", "needs": [{"kind": "failed"}]}
    path.write_text(f"print({json.dumps(said)!r})\n")
    task = ReportTask(step="report", program=[sys.executable, str(path)], run_dir="/runs/demo-1")
    task.execute.__wrapped__(task, {"ti": Instance()})
    assert {name: value for name, value in Instance.pushed.items() if value} == said
