"""Recommendations for every node, made again whenever another version serves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG
from ncnc_airflow.served_version import SERVED_VERSION
from ncnc_airflow.shard_task import ShardTask
from ncnc_airflow.step_task import StepTask

DOC = """
### Recommend links for every node with the version that serves

**Owner:** the ML engineer on call. A run starts when another version comes to serve (the asset `served_version`): a night
has promoted a model, or serves the champion on its graph (`refresh` of `nightly_retraining`); or a person has rolled back
(`champion_rollback`). Or you trigger it.

| task | what it does | what it leaves |
|---|---|---|
| `recommend_plan` | chooses the champion's *version* and the shards; a later change of it does not change them | `recommendation_plan.json` |
| `recommend_shard` | one task for each shard: candidates, scores, the best 20 links of each node | `part-NNNNN.parquet`: source, target, score, rank |
| `recommend_publish` | collects and verifies the shards, and writes the manifest | `SHA256SUMS`: the batch is complete |

The files are in `$NCNC_HOME/recommendations/<run name>` on the worker that published, and in the MLflow run of that name
(experiment `<graph>-recommendations`). Workers without a common disk exchange the shards through that run. Verify a batch
with `sha256sum -c SHA256SUMS`. A batch without that file is not complete.

#### When a task has failed (red)
Its log ends with the reason and the remedy. Clear the task after the repair. Finished shards are not made again, and the
plan with its model version stays the same.

| exit code | meaning | retried | what to do |
|---|---|---|---|
| 2 | no champion yet, or the code changed between plan and shard | never | Read the reason. After an upgrade, trigger a new run. |
| 75 | MLflow does not answer, or the worker was stopped | 3 times | Repair the service, then clear the task. |
| 1, or "timed out" | a bug, or the machine (memory, disk) | 3 times | Keep the log. Smaller shards need as much memory; fewer at once need less: `max_active_tis_per_dagrun`. |

#### When a run is missing
The same version serves as before (`refresh` was skipped, so no event was sent), or this DAG is paused. After `ncnc promote`,
`ncnc rollback` or `ncnc refresh` on a command line, the next night's `refresh` sends the event; trigger this DAG for it now.
"""  # noqa: E501  a table's row is one line

RUN_DIR = "$NCNC_HOME/recommendations/$NCNC_GRAPH-{{ dag_run.run_after.strftime('%Y%m%dT%H%M%SZ') }}"

with DAG(
    dag_id="batch_recommendations",
    description="Plan, recommend shard by shard, publish: the champion's best links of every node.",
    doc_md=DOC,
    schedule=[SERVED_VERSION],
    start_date=datetime(2000, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,  # a newer version's run waits until the one before has ended
    dagrun_timeout=timedelta(hours=12),
    tags=["recommendations", "link-prediction"],
    default_args={
        "owner": "ml-on-call",
        "retries": 3,
        "retry_delay": timedelta(minutes=1),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=30),
        "execution_timeout": timedelta(hours=1),
    },
) as dag:
    plan = StepTask(
        task_id="recommend_plan",
        step="recommend-plan",
        run_dir=RUN_DIR,
        arguments=["--model", "champion", "-k", "20"],
        result="shards",
        doc_md="Chooses the champion's version and the shards.",
    )
    shards = ShardTask.partial(
        task_id="recommend_shard",
        step="recommend-shard",
        run_dir=RUN_DIR,
        max_active_tis_per_dagrun=4,
        doc_md="Writes one shard's links as Parquet.",
    ).expand(shard=plan.output)
    publish = StepTask(
        task_id="recommend_publish",
        step="recommend-publish",
        run_dir=RUN_DIR,
        doc_md="Verifies all shards and writes the manifest.",
    )

    shards >> publish
