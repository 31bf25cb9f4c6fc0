"""Which snapshots the registry's versions and open runs were made from; asked before anything is collected."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

TAG = "ncnc.snapshot_tag"
PAGE = 200


def snapshots_of_versions(client: MlflowClient, graph: str) -> dict[int, str | None]:
    """Return the snapshot tag of every version of a graph's model; None for one that was registered by hand."""
    found: dict[int, str | None] = {}
    token: str | None = None
    while True:
        page = client.search_model_versions(f"name = '{graph}'", max_results=PAGE, page_token=token)
        for version in page:
            if version.name != graph:  # some databases compare without regard to case
                continue
            tag = version.tags.get(TAG)
            # A run that cannot be found raises: a version of it may have been made from anything.
            found[int(version.version)] = tag or (
                client.get_run(version.run_id).data.tags.get(TAG) if version.run_id else None
            )
        token = page.token
        if not token:
            return found


def snapshots_of_open_runs(client: MlflowClient, graph: str) -> dict[str, str]:
    """Return the snapshot tag of every run of a graph that has not ended, by the run's name."""
    experiment = client.get_experiment_by_name(graph)
    if experiment is None:
        return {}
    found: dict[str, str] = {}
    token: str | None = None
    while True:
        page = client.search_runs(
            [experiment.experiment_id], "attributes.status = 'RUNNING'", max_results=PAGE, page_token=token
        )
        found |= {run.info.run_name: run.data.tags[TAG] for run in page if TAG in run.data.tags}
        token = page.token
        if not token:
            return found
