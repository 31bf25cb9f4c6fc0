"""The nightly retraining of one graph's link-prediction model."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, Param
from ncnc_airflow.approval_task import ApprovalTask
from ncnc_airflow.promoted_model import PROMOTED_MODEL
from ncnc_airflow.report_task import ReportTask
from ncnc_airflow.step_task import StepTask

DOC = """
### Retrain the link-prediction model on tonight's graph

**Owner:** the ML engineer on call. One run is one night. `as_of` is the end of the run's data interval (for a run
without one, its `run_after`), never the time at which a task happens to start, so a cleared or late run does the same
work. Each task runs `ncnc <task id> --run-dir $NCNC_HOME/runs/<run name>`; you can run the same line by hand.

| task | what it does | what it leaves |
|---|---|---|
| `snapshot` | reads tonight's delivery, checks it, publishes it to the data repository | a tag `snap/<graph>/...` |
| `split` | divides the edges into training, validation and test, certifies that nothing leaks | `edge_split.json` |
| `train` | trains the challenger; pool and queue `gpu` | checkpoints and the model, in MLflow |
| `evaluate` | scores challenger, champion and heuristics on edges that neither model has seen | `evaluation_report.json` |
| `decide` | holds the evaluation against the gate | `promotion_decision.json`, with every rule |
| `register` | makes a promoted challenger the champion | a model version, aliases, a ledger entry |
| `report` | writes the night's report, whatever came of it; its task page has the link | `report.html`, also in MLflow |

With `APPROVAL = "person"` three tasks stand before `register`, so that nothing becomes champion without a person:

| task | what it does | what it leaves |
|---|---|---|
| `nominate` | puts a challenger that passed the gate before a person; pink where the gate refused it: nobody is asked | the night *awaits* |
| `evidence` | writes the night's report as it stands, for whoever is asked; red, and nobody is asked | `report.html` |
| `approve` | waits for Approve or Reject, under *Required Actions*; no answer in time is a rejection | the answer, which `register` enters in the ledger; after a rejection `register` is pink |

**Start with** `ncnc status`: the last nights, their outcome and reason, the age of the champion. Whatever happened here,
the champion was not touched unless `register` is green and says so: a red night serves yesterday's model.

`report` is no step: it runs at the end of every night, also of a red or a skipped one, and does not decide the run's
colour. Red itself, only the page is missing: `ncnc report --run-dir ...` makes it at any later time.

#### When a task is pink (skipped)
Exit code 99: there was nothing to do, mostly because the graph, the parameters and the code are those of the last
completed night. Nothing to mend. Skipped for many nights running: ask whether the source still delivers.

#### When a task is red
Its log ends with the reason and the remedy, and the exit code says whose it is:

| exit code | meaning | retried | what to do |
|---|---|---|---|
| 2 | the input or the configuration is wrong | never | Read the reason: it names file, value and remedy. Mend the delivery or `params.yaml`, then clear `snapshot` and what follows it. A truncated or late delivery: ask the source to deliver again. |
| 75 | trouble outside: git, the DVC remote, MLflow, the source | 3 times | It was still there after the last try. Mend the service, then clear the task: finished work is not done twice. |
| 1 | a bug, or the machine (memory, disk) | 3 times | Keep the log and the run folder, open an issue, clear the task after the fix. |
| none, "timed out" | the task outlived its execution timeout | 3 times | The step was ended with all its children before the next try. Look for a slow service or a grown graph; `train` resumes from its last checkpoint. |

`train` waits in *queued*: no worker listens to the queue `gpu`, or the pool `gpu` has no free slot.
`register` is red with "another promotion or a rollback came first": the champion changed while the night ran. Nothing was
promoted; the next night compares with the new champion.

A wrong champion is live: trigger the DAG `champion_rollback`, or `ncnc rollback --graph NAME --to VERSION --reason "..."`;
then find out why the gate let it through (`ncnc audit model NAME@VERSION`, `ncnc registry history`).
"""  # noqa: E501  a table's row is one line

# automatic: what passes the gate becomes champion. person: it waits until somebody approves it. Change the word here,
# or set NCNC_APPROVAL where the file may not be changed.
APPROVAL = os.environ.get("NCNC_APPROVAL", "automatic")
if APPROVAL not in ("automatic", "person"):  # a misspelt "person" must not promote by itself
    raise ValueError(f"NCNC_APPROVAL is {APPROVAL!r}, but must be automatic or person. Correct it.")
APPROVAL_TIME = timedelta(hours=8)  # then it counts as rejected; a night, waiting included, must fit dagrun_timeout

APPROVAL_BODY = """
The gate let this challenger pass. Before you answer, look at what it was held against:

- the night's report, with every rule: {{ ti.xcom_pull(task_ids='evidence', key='_link_ReportLink') }}
- what happened before: `ncnc registry history`

**Approve** makes it champion, **Reject** keeps the one in use. Your name, the time, the answer and your reason go into
the ledger, and the first answer stands. Without an answer the night counts as rejected.
"""

SCHEDULE = os.environ.get("NCNC_SCHEDULE", "0 3 * * *")  # "none": only runs that someone asks for, as the demo does

AS_OF = "(data_interval_end | default(dag_run.run_after, true))"
AS_OF_RUN_DIR = "$NCNC_HOME/runs/$NCNC_GRAPH-{{ " + AS_OF + ".strftime('%Y%m%dT%H%M%SZ') }}"
ANSWER = "ti.xcom_pull(task_ids='approve')"
RUN_DIR = "$NCNC_HOME/runs/{{ ti.xcom_pull(task_ids='snapshot') }}"

with DAG(
    dag_id="nightly_retraining",
    description="Snapshot, split, train, evaluate, decide, register: one challenger a night.",
    doc_md=DOC,
    schedule=None if SCHEDULE == "none" else SCHEDULE,
    start_date=datetime(2000, 1, 1, tzinfo=UTC),  # a run asked for an earlier date ends green without running a task
    catchup=False,  # a missed night is not made up: the next one sees the same graph and more
    max_active_runs=1,  # a night compares itself with the champion that the night before left
    dagrun_timeout=timedelta(hours=20),  # a night must be over before the next
    tags=["retraining", "link-prediction"],
    default_args={
        "owner": "ml-on-call",
        "retries": 3,
        "retry_delay": timedelta(minutes=1),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=30),
        "execution_timeout": timedelta(hours=1),
    },
) as dag:
    snapshot = StepTask(
        step="snapshot",
        run_dir=AS_OF_RUN_DIR,
        arguments=["--as-of", "{{ " + AS_OF + ".isoformat() }}"],
        doc_md="Reads tonight's delivery, checks it, and publishes it as a versioned snapshot.",
    )
    split = StepTask(step="split", run_dir=RUN_DIR, doc_md="Divides the edges and certifies that nothing leaks.")
    train = StepTask(
        step="train",
        run_dir=RUN_DIR,
        pool="gpu",
        queue="gpu",
        execution_timeout=timedelta(hours=8),
        grace_seconds=60,
        doc_md="Trains the challenger. A retry resumes from the last checkpoint, on this machine or another.",
    )
    evaluate = StepTask(step="evaluate", run_dir=RUN_DIR, doc_md="Scores challenger, champion and heuristics.")
    decide = StepTask(step="decide", run_dir=RUN_DIR, doc_md="Holds the evaluation against the gate.")
    register = StepTask(
        step="register",
        run_dir=RUN_DIR,
        outlets=[PROMOTED_MODEL],
        arguments=[
            "--answer={{ " + ANSWER + ".chosen_options[0] }}",
            "--by={{ (" + ANSWER + ".responded_by_user or {'name': ''}).name }}",
            "--at={{ " + ANSWER + ".responded_at }}",
            "--why={{ (" + ANSWER + ".params_input or {}).get('reason') or '' }}",
        ]
        if APPROVAL == "person"
        else [],
        doc_md="Makes a promoted challenger the champion, or enters that a person rejected it.",
    )

    # A teardown runs whatever became of the tasks before it, and Airflow does not count it for the state of the run.
    report = ReportTask(
        step="report",
        run_dir=AS_OF_RUN_DIR,  # and not what snapshot pushed: it may have failed
        doc_md="Writes the night's report, also of a night that was refused, skipped or kept.",
    ).as_teardown()

    snapshot >> split >> train >> evaluate >> decide

    if APPROVAL == "person":
        nominate = StepTask(
            task_id="nominate",
            step="nominate",
            run_dir=RUN_DIR,
            doc_md="Puts a challenger that passed the gate before a person; skipped where the gate refused it.",
        )
        approve = ApprovalTask(
            task_id="approve",
            subject="Promote the challenger of {{ ti.xcom_pull(task_ids='snapshot') }}?",
            body=APPROVAL_BODY,
            defaults="Reject",
            params={
                "reason": Param(
                    None, type=["null", "string"], title="Why", description="Goes into the ledger; may stay empty."
                )
            },
            response_timeout=APPROVAL_TIME,
            doc_md="Waits for a person; no answer in time is a rejection.",
        )
        evidence = ReportTask(
            task_id="evidence",
            step="report",
            run_dir=RUN_DIR,
            doc_md="Writes the night's report before a person is asked; its page has the link.",
        )
        decide >> nominate >> evidence >> approve >> register
    else:
        decide >> register

    register >> report
