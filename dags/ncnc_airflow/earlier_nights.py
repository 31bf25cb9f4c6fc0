"""Which earlier run of a DAG the night of another one must wait for; asked of Airflow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import GetPreviousDagRun, PreviousDagRunResult

if TYPE_CHECKING:
    from airflow.sdk.types import DagRunProtocol

BACKFILL = "backfill"


def running_before(run: DagRunProtocol) -> Iterator[DagRunProtocol]:
    """Yield the earlier nights that run, the last one first; each costs one question to Airflow."""
    found = _previous(run.dag_id, night_of(run), "running")
    while found is not None:
        yield found
        found = _previous(run.dag_id, night_of(found), "running")


def queued_backfill_before(run: DagRunProtocol) -> DagRunProtocol | None:
    """Return the last earlier night of a backfill that is queued; None where there is none.

    Other queued runs are passed over: by `max_active_runs` none of them starts while this run is there.
    """
    found = _previous(run.dag_id, night_of(run), "queued")
    while found is not None and found.run_type != BACKFILL:
        found = _previous(run.dag_id, night_of(found), "queued")
    return found


def night_of(run: DagRunProtocol) -> datetime:
    """Return the time by which the nights of a DAG are in order; a run without a logical date is that of its start."""
    return run.logical_date or run.run_after


def _previous(dag_id: str, before: datetime, state: str) -> DagRunProtocol | None:
    # Not `ti.get_previous_dagrun`: it answers nothing for a run without a logical date, as a person may trigger one.
    asked = GetPreviousDagRun(dag_id=dag_id, logical_date=before, state=state)
    answer = task_runner.SUPERVISOR_COMMS.send(asked)
    return answer.dag_run if isinstance(answer, PreviousDagRunResult) else None
