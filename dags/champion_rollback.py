"""Make an earlier version of a graph's model champion again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, Param
from ncnc_airflow.refresh_task import RefreshTask

DOC = """
### Make an earlier version champion again

**Owner:** the ML engineer on call. Trigger it with the form: the graph, the version that shall be champion again, and the
reason. It runs `ncnc rollback --graph ... --to ... --reason ... --who <you>`. You can run the same line by hand.

The version must have been champion before; `ncnc registry show` lists those. The wrong champion becomes `previous`. The
ledger keeps who did it, when and why (`ncnc registry history`). The chosen version carries the graph of its own night, so
its weights are then served on the newest graph, as a version of their own. `models:/<graph>@champion` loads that, the next
night compares with the chosen version, and `batch_recommendations` starts.

Choose a version of weights. A version that says `weights of N` in `ncnc registry show` is a refresh: choose N.

It has a queue of its own, `urgent`, so that it waits for no night and no batch. If it stays *queued*, no worker listens
to that queue: run the line by hand.

#### When the task is skipped (pink)
That version is the champion already.

#### When the task has failed (red)
| exit code | meaning | what to do |
|---|---|---|
| 2 | there is no such version, it never was champion, another promotion came first, the champion is pinned (`ncnc registry unpin`), or ledger and MLflow disagree (`ncnc registry doctor`) | Read the reason: it names the versions you can choose. Look at `ncnc registry history`, then trigger again. |
| 75 | git or MLflow does not answer, after 3 retries | Repair the service, then clear the task. |
| 1 | a bug, or the machine | Keep the log; run the line by hand. |
"""  # noqa: E501  a table's row is one line

with DAG(
    dag_id="champion_rollback",
    description="Make an earlier version champion again, with the reason on record.",
    doc_md=DOC,
    schedule=None,  # a person asks for it
    start_date=datetime(2000, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,  # one rollback at a time: each starts from the state that the last one left
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
            description="The version to make champion again; see `was champion` in `ncnc registry show`.",
        ),
        "reason": Param(
            type="string",
            minLength=8,
            maxLength=500,
            title="Reason",
            description="Why; the ledger keeps it.",
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
    RefreshTask(
        task_id="rollback",
        step="rollback",
        queue="urgent",  # a worker of its own: shards of a batch may hold every slot of the others for an hour
        arguments=[
            "--graph={{ params.graph }}",
            "--to={{ params.version }}",
            "--reason={{ params.reason }}",
            "--who={{ dag_run.triggering_user_name or '' }}",
        ],
        doc_md="Moves the aliases champion and previous; the ledger is written first. Then it serves the newest graph.",
    )
