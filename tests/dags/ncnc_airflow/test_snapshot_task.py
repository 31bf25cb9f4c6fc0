"""What the first step waits for. Airflow's answers about runs are given here; tests/stack asks a real one."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowRescheduleException
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import GetPreviousDagRun, PreviousDagRunResult
from ncnc_airflow.snapshot_task import SnapshotTask

NIGHT = datetime(2026, 1, 10, 3, tzinfo=UTC)


def run(day: int, state: str = "running", kind: str = "scheduled") -> SimpleNamespace:
    night = NIGHT.replace(day=day)
    name = f"{kind}__{night:%d}"
    return SimpleNamespace(
        dag_id="nightly", run_id=name, logical_date=night, run_after=night, run_type=kind, state=state
    )


class Airflow:
    """The runs that Airflow knows, asked as a task asks its supervisor; and the task's own instance."""

    def __init__(self, *runs: SimpleNamespace, waiting_since: datetime | None = None) -> None:
        self.runs, self.since, self.pushed = runs, waiting_since, dict[str, str]()

    def send(self, asked: GetPreviousDagRun) -> PreviousDagRunResult:
        earlier = [one for one in self.runs if one.logical_date < asked.logical_date and one.state == asked.state]
        return PreviousDagRunResult.model_construct(
            dag_run=max(earlier, key=lambda one: one.logical_date, default=None)
        )

    def get_first_reschedule_date(self, context: object) -> datetime | None:
        return self.since

    def xcom_push(self, key: str, value: str) -> None:
        self.pushed[key] = value


def execute(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    airflow: Airflow,
    of: SimpleNamespace,
    *,
    line: str = "",
    code: int = 0,
) -> object:
    """Execute the task in a run, with a stand-in for `ncnc` that prints a line last and ends with a code."""
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", airflow, raising=False)
    program = tmp_path / "stand_in.py"
    program.write_text(f"import sys; print({line!r}); sys.exit({code})")
    task = SnapshotTask(
        step="snapshot",
        run_dir="/runs/demo-1",
        program=[sys.executable, str(program)],
        turn_time=timedelta(hours=48),
        delivery_time=timedelta(hours=6),
        look_every=timedelta(minutes=1),
    )
    return task.execute.__wrapped__(task, {"dag_run": of, "ti": airflow})


@pytest.mark.parametrize(
    "others",
    [
        [],
        [run(9, "failed"), run(8, "success")],  # over, however it ended
        [run(11)],  # later: that one waits for this one
        [run(9, "queued", "manual")],  # cannot start while this one is there
        [run(9, "queued")],
    ],
)
def test_a_night_whose_turn_it_is_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: list[SimpleNamespace]
) -> None:
    assert execute(tmp_path, monkeypatch, Airflow(*others), run(10)) == "demo-1"


@pytest.mark.parametrize("kind", ["scheduled", "manual", "backfill"])
def test_a_night_waits_while_an_earlier_one_runs_and_says_for_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    airflow = Airflow(run(8, kind="backfill"), run(9, "success"))
    with pytest.raises(AirflowRescheduleException):
        execute(tmp_path, monkeypatch, airflow, run(10, kind=kind))
    assert airflow.pushed == {"reason": "snapshot waits: the earlier night backfill__08 runs; nights are made in order"}


@pytest.mark.parametrize(("running", "minutes"), [((9,), 1), ((7, 8, 9), 3), (tuple(range(1, 16)), 10)])
def test_a_night_looks_the_rarer_the_more_nights_run_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, running: tuple[int, ...], minutes: int
) -> None:
    airflow, before = Airflow(*(run(day, kind="backfill") for day in running)), datetime.now(UTC)
    with pytest.raises(AirflowRescheduleException) as caught:
        execute(tmp_path, monkeypatch, airflow, run(20))
    waits = caught.value.reschedule_date - before
    assert timedelta(minutes=minutes) <= waits < timedelta(minutes=minutes, seconds=50)
    assert f"backfill__{max(running):02} runs" in airflow.pushed["reason"]


def test_a_night_without_a_logical_date_has_the_place_of_its_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_hand = run(10, kind="manual")
    by_hand.logical_date = None
    with pytest.raises(AirflowRescheduleException):
        execute(tmp_path, monkeypatch, Airflow(run(9, kind="backfill")), by_hand)
    assert execute(tmp_path, monkeypatch, Airflow(run(11, kind="backfill")), by_hand) == "demo-1"


def test_the_dags_own_night_waits_for_a_backfill_whose_limit_holds_its_nights_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    airflow = Airflow(run(7, "queued", "backfill"), run(9, "queued", "manual"))
    with pytest.raises(AirflowRescheduleException):
        execute(tmp_path, monkeypatch, airflow, run(10))
    assert "backfill__07 of a backfill is queued; cancel the backfill" in airflow.pushed["reason"]


def test_a_night_of_a_backfill_that_runs_backwards_makes_room_for_the_earlier_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AirflowFailException, match=r"backfill__09 of this backfill is queued.*without --run-backwards"):
        execute(tmp_path, monkeypatch, Airflow(run(9, "queued", "backfill")), run(10, kind="backfill"))


LATE = "ncnc: The source did not deliver edges.csv"


def test_a_late_delivery_is_waited_for_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    airflow = Airflow(waiting_since=datetime.now(UTC) - timedelta(hours=5))
    before = datetime.now(UTC)
    with pytest.raises(AirflowRescheduleException) as caught:
        execute(tmp_path, monkeypatch, airflow, run(10), line=LATE, code=66)
    assert timedelta(minutes=1) <= caught.value.reschedule_date - before < timedelta(minutes=3)
    assert airflow.pushed["reason"] == "snapshot waits: snapshot ended 66: The source did not deliver edges.csv"


def test_a_delivery_that_does_not_come_fails_the_night_with_what_was_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    airflow = Airflow(waiting_since=datetime.now(UTC) - timedelta(hours=7))
    with pytest.raises(
        AirflowFailException, match=r"did not deliver edges\.csv \(waited since .*6:00:00 is the longest"
    ):
        execute(tmp_path, monkeypatch, airflow, run(10), line=LATE, code=66)
    assert "did not deliver edges.csv (waited since" in airflow.pushed["reason"]


def test_other_trouble_is_no_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    airflow = Airflow()
    with pytest.raises(AirflowException, match="snapshot ended 75: MLflow is away") as caught:
        execute(tmp_path, monkeypatch, airflow, run(10), line="ncnc: MLflow is away", code=75)
    assert type(caught.value) is AirflowException
    assert airflow.pushed == {"reason": "snapshot: MLflow is away"}
