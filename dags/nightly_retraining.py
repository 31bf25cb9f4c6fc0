"""The nightly retraining of one graph's link-prediction model."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, Param
from ncnc_airflow.approval_task import ApprovalTask
from ncnc_airflow.night_notifier import NightNotifier
from ncnc_airflow.outcome_task import OutcomeTask
from ncnc_airflow.refresh_task import RefreshTask
from ncnc_airflow.register_task import RegisterTask
from ncnc_airflow.report_task import ReportTask
from ncnc_airflow.snapshot_task import SnapshotTask
from ncnc_airflow.step_task import StepTask

DOC = """
### Retrain the link-prediction model on tonight's graph

**Owner:** the ML engineer on call. One run is one night. Its time, `as_of`, is the end of the run's data interval; a run
without an interval takes its `run_after`. It is never the time at which a task starts, so a cleared or late run does the
same work. Each task runs `ncnc <task id> --run-dir $NCNC_HOME/runs/<run name>`. You can run the same line by hand.

| task | what it does | what it leaves |
|---|---|---|
| `snapshot` | waits for earlier nights and for the delivery; reads and checks it, and publishes it to the data repository | a tag `snap/<graph>/...` |
| `split` | divides the edges into training, validation and test, and certifies that nothing leaks | `edge_split.json` |
| `train` | trains the challenger; uses the pool and the queue `gpu` | checkpoints and the model, in MLflow |
| `evaluate` | scores challenger, champion and the floor on edges that neither model has seen, and the shadow (`decide.evidence: accumulated`) beside the champion | `evaluation_report.json` |
| `decide` | applies the rules of the gate to the evaluation; with `evidence: accumulated` also says what becomes of the shadow: the earlier night's model that is followed until its evidence suffices | `promotion_decision.json`, with every rule |
| `register` | makes a promoted challenger, or the shadow whose evidence suffices, the champion | a model version, aliases, a ledger entry |
| `refresh` | serves the champion on tonight's graph where the night promoted nothing: the same weights, a version of its own; starts `batch_recommendations` where another version serves now | a model version, a ledger entry |
| `report` | writes the report, one HTML page, for every night, and the index of all nights; its task page has both links. Enters a night as failed that came to no outcome | `report.html`, also in MLflow |
| `outcome` | turns the run red if the night came to no decision | |

With `APPROVAL = "person"`, four tasks come before `register`, and nothing becomes champion without a person:

| task | what it does | what it leaves |
|---|---|---|
| `nominate` | records that a challenger which passed the gate, or a shadow whose evidence suffices, awaits an answer; if the gate refused it, the task is skipped and nobody is asked | the outcome *awaiting* |
| `evidence` | writes the report as it is now, for the person who is asked; if it fails, nobody is asked | `report.html` |
| `refresh_meanwhile` | as `refresh`, while the answer is awaited | a model version, a ledger entry |
| `approve` | waits for Approve or Reject, under *Required Actions*; no answer in time counts as a rejection | the answer, which `register` enters in the ledger; after a rejection `register` is skipped |

**Start with** the page of all nights: the button *All nights* on the page of the task `report`. It says what needs you
now. `ncnc status` says the same, and where the page is. The champion's weights change only when `register` succeeds;
`refresh` changes the graph that they serve on. After a failed night, what yesterday left is still served.

`report` runs at the end of every night, also of a failed or skipped one. Its state does not change the state of the run.
If it fails, only the page is missing: `ncnc report --run-dir ...` writes it at any time.

A night that failed or was refused, and a champion below the floor, are told by mail or webhook once you define the
connection `ncnc_notify` (`AIRFLOW_CONN_NCNC_NOTIFY` on the workers). Without it the log of `report` has them.

#### When `snapshot` waits (up for reschedule)
Its log says what it waits for, and when it looks again. It holds no worker meanwhile.

- **An earlier night of this DAG runs, or is queued in a backfill.** Nights are made in order, also those of
  `airflow backfill create`. A night that failed or was deleted is not waited for. If an earlier night hangs, end it.
- **The source has not delivered yet.** After 6 hours (`DELIVERY_TIME`) the task fails. Ask the source; then clear it.

Unpausing this DAG runs the last missed night at once, and no earlier one. To make up earlier nights, create a backfill
before you unpause, for a night that is older than the newest snapshot is refused.

#### When a task is skipped (pink)
Exit code 99: there was nothing to do. Usually the graph, the parameters and the code are the same as on the last
completed night. You need not do anything. If many nights in a row are skipped, ask whether the source still delivers.

#### When a task has failed (red)
Its log ends with the reason and the remedy. The exit code says where to look:

| exit code | meaning | retried | what to do |
|---|---|---|---|
| 2 | the input or the configuration is wrong | never | Read the reason: it names the file, the value and the remedy. Correct the delivery or `params.yaml`, then clear `snapshot` and the tasks after it. If the delivery is truncated, ask the source to deliver again. |
| 66 | the source did not deliver in time, 6 hours (`DELIVERY_TIME`) | never | Ask the source to deliver, then clear `snapshot`. |
| 75 | a service does not work: git, the DVC remote, MLflow; or the source turns us away; or the worker was stopped | 3 times | Repair the service, then clear the task. Finished work is not repeated. After a stop there is nothing to do. |
| 1 | a bug, or the machine (memory, disk) | 3 times | Keep the log and the run folder, open an issue, and clear the task after the fix. |
| none, "timed out" | the task ran longer than its execution timeout | 3 times | The step and its children were ended before the next try. Look for a slow service or a larger graph. `train` resumes from its last checkpoint. |

If `train` stays *queued*, no worker listens to the queue `gpu`, or the pool `gpu` has no free slot.
If `register` fails with "another promotion or a rollback came first", the champion changed while the night ran. Nothing
was promoted. The next night compares with the new champion.

If a task fails with "the ledger and the MLflow disagree", the worker asks a wrong MLflow, or one of the two was restored
from an older copy. Nothing was written and no alias was moved: `ncnc registry doctor` says what mends it.

If `refresh` fails with exit code 2, the champion would do far worse on tonight's graph than on the one that is served, or
does not fit it. What was served stays. The reason has both figures; look at the graph first. The night's outcome stands.

If a wrong champion is served, trigger the DAG `champion_rollback`, or run
`ncnc rollback --graph NAME --to VERSION --reason "..."`. Then find out why the gate accepted it, with
`ncnc audit model NAME@VERSION` and `ncnc registry history`.
"""  # noqa: E501  a table's row is one line

# automatic: a challenger that passes the gate becomes champion. person: it waits until somebody approves it.
# Change the word here, or set NCNC_APPROVAL if you cannot change this file.
APPROVAL = os.environ.get("NCNC_APPROVAL", "automatic")
if APPROVAL not in ("automatic", "person"):  # a misspelt "person" must not promote by itself
    raise ValueError(f"NCNC_APPROVAL is {APPROVAL!r}, but must be automatic or person. Correct it.")
APPROVAL_TIME = timedelta(hours=8)  # then it counts as rejected; a night, waiting included, must fit dagrun_timeout

# Nights are made in order. A night waits this long for earlier ones; one that hangs must be over by then.
TURN_TIME = timedelta(hours=48)
DELIVERY_TIME = timedelta(hours=6)  # a delivery may be this late; then the night has failed
LOOK_EVERY = timedelta(minutes=1)

APPROVAL_BODY = """
**[The night's report]({{ ti.xcom_pull(task_ids='evidence', key='_link_ReportLink') }})** shows every rule and
slice. [All nights]({{ ti.xcom_pull(task_ids='evidence', key='_link_IndexLink') }}) shows what happened before.

{{ ti.xcom_pull(task_ids='evidence', key='summary') }}

**Approve** makes the challenger champion. **Reject** keeps the present champion. Your name, the time, the answer and
your reason go into the ledger. The first answer counts. Without an answer the night counts as rejected.
"""

SCHEDULE = os.environ.get("NCNC_SCHEDULE", "0 3 * * *")  # "none": only runs that someone asks for, as the demo does

AS_OF = "(data_interval_end | default(dag_run.run_after, true))"
AS_OF_RUN_DIR = "$NCNC_HOME/runs/$NCNC_GRAPH-{{ " + AS_OF + ".strftime('%Y%m%dT%H%M%SZ') }}"
ANSWER = "ti.xcom_pull(task_ids='approve')"
STEPS = ["snapshot", "split", "train", "evaluate", "decide", "nominate", "register", "refresh"]
REASONS = f"ti.xcom_pull(task_ids={STEPS}, key='reason')"
RUN_DIR = "$NCNC_HOME/runs/{{ ti.xcom_pull(task_ids='snapshot') }}"

with DAG(
    dag_id="nightly_retraining",
    description="Snapshot, split, train, evaluate, decide, register, refresh: one challenger a night.",
    doc_md=DOC,
    schedule=None if SCHEDULE == "none" else SCHEDULE,
    start_date=datetime(2000, 1, 1, tzinfo=UTC),  # a run asked for an earlier date ends green without running a task
    catchup=False,  # a missed night is not made up: the next one sees the same graph and more
    max_active_runs=1,  # a night compares itself with the champion that the night before left
    dagrun_timeout=timedelta(hours=72),  # the waiting included: a night that begins after TURN_TIME has a day left
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
    snapshot = SnapshotTask(
        step="snapshot",
        turn_time=TURN_TIME,
        delivery_time=DELIVERY_TIME,
        look_every=LOOK_EVERY,
        run_dir=AS_OF_RUN_DIR,
        arguments=["--as-of", "{{ " + AS_OF + ".isoformat() }}"],
        doc_md="Waits for its turn and for tonight's delivery, checks it, and publishes it as a versioned snapshot.",
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
    evaluate = StepTask(step="evaluate", run_dir=RUN_DIR, doc_md="Scores challenger, champion and the floor.")
    decide = StepTask(step="decide", run_dir=RUN_DIR, doc_md="Applies the rules of the gate to the evaluation.")
    register = RegisterTask(
        step="register",
        run_dir=RUN_DIR,
        arguments=[
            "--answer={{ " + ANSWER + ".chosen_options[0] }}",
            "--by={{ (" + ANSWER + ".responded_by_user or {'name': ''}).name }}",
            "--at={{ " + ANSWER + ".responded_at }}",
            "--why={{ (" + ANSWER + ".params_input or {}).get('reason') or '' }}",
        ]
        if APPROVAL == "person"
        else [],
        doc_md="Makes a promoted challenger the champion, or records that a person rejected it.",
    )

    refresh = RefreshTask(
        step="refresh",
        run_dir=AS_OF_RUN_DIR,  # also of a night that was skipped: what a person promoted by day is announced by it
        trigger_rule="none_failed",  # behind a skipped `register` above all
        doc_md="Serves the champion on tonight's graph where nothing was promoted, and announces what serves.",
    )

    # A teardown runs whatever became of the tasks before it, and Airflow does not count it for the state of the run.
    report = ReportTask(
        step="report",
        run_dir=AS_OF_RUN_DIR,  # and not what snapshot pushed: it may have failed
        on_success_callback=NightNotifier(),  # what needs a person is told where somebody has said how
        on_failure_callback=NightNotifier(),
        arguments=["--ended", "--why={{ " + REASONS + " | select | list | last | default('', true) }}"],
        doc_md="Writes the night's report, also of a night that was refused, skipped or kept.",
    ).as_teardown()

    # Behind the report, so that `refresh` still decides with it: Airflow does not count the teardown between them.
    outcome = OutcomeTask(
        task_id="outcome", doc_md="Red where the night came to no decision, whatever the tasks' states say."
    ).as_teardown(on_failure_fail_dagrun=True)

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
        meanwhile = RefreshTask(
            task_id="refresh_meanwhile",
            step="refresh",
            run_dir=RUN_DIR,
            doc_md="Serves the champion on tonight's graph while a person is asked about the challenger.",
        )
        decide >> nominate >> evidence >> approve >> register
        nominate >> meanwhile
    else:
        decide >> register

    register >> refresh >> report >> outcome
