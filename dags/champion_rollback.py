"""Make an earlier version of a graph's model champion again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, Param
from ncnc_airflow.step_task import StepTask

DOC = """
### Take a wrong champion back

**Owner:** the ML engineer on call. Trigger it with the form: which graph, which version shall be champion again, and why.
It runs `ncnc rollback --graph ... --to ... --reason ... --who <you>`; you can run the same line by hand. The version must
have been champion before (`ncnc registry show` lists them). The one that was wrong becomes `previous`, and the ledger keeps
who did it, when and why (`ncnc registry history`). Whoever loads `models:/<graph>@champion` gets the version from then on;
the next night compares with it.

#### When the task is pink (skipped)
That version is the champion already.

#### When the task is red
| exit code | meaning | what to do |
|---|---|---|
| 2 | there is no such version, it never was champion, or another promotion came first | Read the reason: it names the versions that may be chosen. Look at `ncnc registry history`, then trigger again. |
| 75 | git or MLflow does not answer | It is tried 3 times. Mend the service, then clear the task. |
| 1 | a bug, or the machine | Keep the log; run the line by hand. |
"""  # noqa: E501  a table's row is one line

with DAG(
    dag_id="champion_rollback",
    description="Make an earlier version champion again, with the reason on record.",
    doc_md=DOC,
    schedule=None,  # a person asks for it
    start_date=datetime(2000, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,  # one rollback at a time, so that each is made knowing the one before
    tags=["registry", "link-prediction"],
    params={
        "graph": Param(
            type="string",
            pattern="^[a-z0-9_-]+$",
            title="Graph",
            description="The graph whose champion is wrong, as params.yaml names it.",
        ),
        "version": Param(
            type="integer",
            minimum=1,
            title="Version",
            description="The version to make champion again; `ncnc registry show` lists those that were.",
        ),
        "reason": Param(
            type="string",
            minLength=8,
            maxLength=500,
            title="Reason",
            description="Why; kept in the ledger for whoever asks a year from now.",
        ),
    },
    default_args={
        "owner": "ml-on-call",
        "retries": 3,
        "retry_delay": timedelta(seconds=30),
        "retry_exponential_backoff": True,
        "execution_timeout": timedelta(minutes=15),
    },
) as dag:
    StepTask(
        task_id="rollback",
        step="rollback",
        arguments=[
            "--graph={{ params.graph }}",
            "--to={{ params.version }}",
            "--reason={{ params.reason }}",
            "--who={{ dag_run.triggering_user_name or '' }}",
        ],
        doc_md="Moves champion and previous, the ledger first.",
    )
