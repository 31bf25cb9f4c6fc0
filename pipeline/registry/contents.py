"""What lies in MLflow for a graph, seen as a whole, and the removal of what a policy lets go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from mlflow.exceptions import MlflowException

from pipeline.records.chain import TrainedModel
from pipeline.records.names import CONTROL_FOLDER, MODEL_FOLDER
from pipeline.registry.aliases import MISSING, RegisteredAliases
from pipeline.registry.facts import RegisteredVersion, RunState
from pipeline.registry.tracking_server import ArtifactFolder, asks_the_server

TAG = "ncnc.snapshot_tag"
PAGE = 200
TRAINED_GONE = "ncnc.collected.model"
CHECKPOINTS = ("checkpoint", "control_checkpoint")  # of a challenger, and of the control beside a warm one


class RegistryContents(RegisteredAliases):
    """Lists versions and runs, says what they were made from, and deletes what a policy, or a lost race, lets go."""

    @asks_the_server
    def snapshots_of_versions(self, graph: str) -> dict[int, str | None]:
        """Return the snapshot tag of every version of a graph's model; None for one that was registered by hand."""
        found: dict[int, str | None] = {}
        for version in self._versions(graph):
            # A run that cannot be found raises: a version of it may have been made from anything.
            run = self._client.get_run(version.run_id) if version.run_id and TAG not in version.tags else None
            found[int(version.version)] = version.tags.get(TAG) or (run.data.tags.get(TAG) if run else None)
        return found

    @asks_the_server
    def snapshots_of_open_runs(self, graph: str) -> dict[str, str]:
        """Return the snapshot tag of every run of a graph that has not ended, by the run's name."""
        runs = self._runs(graph, "attributes.status = 'RUNNING'")
        return {run.info.run_name: run.data.tags[TAG] for run in runs if TAG in run.data.tags}

    @asks_the_server
    def versions(self, graph: str) -> tuple[RegisteredVersion, ...]:
        """Return every version of a graph's model, the oldest first, made by this pipeline or not."""
        aliases = self.aliases(graph)  # the search of versions does not give them
        found = [
            RegisteredVersion(
                version=int(item.version),
                made_at=datetime.fromtimestamp(item.creation_timestamp / 1000, UTC),
                aliases=tuple(sorted(alias for alias, number in aliases.items() if number == int(item.version))),
                run_name=item.tags.get("ncnc.run_name"),
                approved_by=item.tags.get("ncnc.approved_by"),
            )
            for item in self._versions(graph)
        ]
        return tuple(sorted(found, key=lambda item: item.version))

    @asks_the_server
    def runs(self, graph: str) -> tuple[RunState, ...]:
        """Return every MLflow run of a graph that one of its nights opened."""
        return tuple(
            RunState(
                run_id=item.info.run_id,
                run_name=item.data.tags["ncnc.run_name"],
                ended=item.info.status in ("FINISHED", "FAILED", "KILLED"),
                has_checkpoint=any(_tag(name) in item.data.tags for name in CHECKPOINTS),
                has_model=_tag(TrainedModel.file_name) in item.data.tags and TRAINED_GONE not in item.data.tags,
            )
            for item in self._runs(graph)
            if "ncnc.run_name" in item.data.tags
        )

    @asks_the_server
    def delete_version(self, graph: str, version: int, *, keep_model: str | None = None) -> None:
        """Delete a version, then the packed model behind it; what is gone already is no error."""
        try:
            model_id = self._client.get_model_version(graph, str(version)).tags.get("ncnc.model_id")
            self._client.delete_model_version(graph, str(version))
        except MlflowException as error:
            if error.error_code not in MISSING:
                raise
            return
        if model_id is not None and model_id != keep_model:
            self._delete_model(model_id)

    @asks_the_server
    def remove_checkpoint(self, run_id: str) -> None:
        """Delete the checkpoints of a run: the tag first, so that no reader follows it to bytes that are gone."""
        tags = self._run(run_id).data.tags
        for name in CHECKPOINTS:
            if (digest := tags.get(_tag(name))) is not None:
                self._client.delete_tag(run_id, _tag(name))
                _remove(self._artifacts(run_id), f"files/{digest[:12]}/{name}")

    @asks_the_server
    def remove_trained(self, run_id: str) -> None:
        """Delete the trained model of a run and its control: the tag last, so that a kill leaves it to be found again.

        The record of what was trained stays, with the digest of every file.
        """
        artifacts = self._artifacts(run_id)
        for name in (MODEL_FOLDER, CONTROL_FOLDER):
            _remove(artifacts, name)
        self._client.set_tag(run_id, TRAINED_GONE, "true")

    def _versions(self, graph: str) -> Iterator[Any]:  # Any: MLflow's entities carry no annotations
        search = self._client.search_model_versions
        for item in _pages(lambda token: search(f"name = '{graph}'", max_results=PAGE, page_token=token)):
            if item.name == graph:  # some databases compare without regard to case
                yield item

    def _runs(self, graph: str, condition: str = "") -> Iterator[Any]:
        experiment = self._client.get_experiment_by_name(graph)
        if experiment is None:
            return
        ids, search = [experiment.experiment_id], self._client.search_runs
        yield from _pages(lambda token: search(ids, condition, max_results=PAGE, page_token=token))

    def _model_artifacts(self, model_id: str) -> ArtifactFolder:
        return ArtifactFolder(self._client.get_logged_model(model_id).artifact_location, self.tracking_uri)

    def _delete_model(self, model_id: str) -> None:
        try:
            folder = self._model_artifacts(model_id)
            self._client.delete_logged_model(model_id)
        except MlflowException as error:
            if error.error_code not in MISSING:
                raise
            return
        for name in folder.names():
            _remove(folder, name)


def _remove(folder: ArtifactFolder, path: str) -> None:
    if folder.has(path):
        folder.remove(path)


def _pages(page_of: Callable[[str | None], Any]) -> Iterator[Any]:  # Any: MLflow's paged lists carry no annotations
    token: str | None = None
    while True:
        page = page_of(token)
        yield from page
        token = page.token
        if not token:
            return


def _tag(stored: str) -> str:
    return f"ncnc.sha256.{stored}"
