"""What lies in MLflow for a graph, seen as a whole, and the removal of what a retention policy no longer keeps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from mlflow.entities import Run

from pipeline.records.chain import TrainedModel
from pipeline.records.names import BATCHES, CONTROL_FOLDER, MODEL_FOLDER
from pipeline.registry.aliases import RegisteredAliases
from pipeline.registry.facts import WEIGHTS_OF, BatchState, RegisteredVersion, RunState
from pipeline.registry.tracking_server import TrackingServer, asks_the_server

TAG = "ncnc.snapshot_tag"
BATCH_MODEL = "ncnc.model"  # of a batch's run: the NAME@version that all of its shards use
TRAINED_GONE = "ncnc.collected.model"
CHECKPOINTS = ("checkpoint", "control_checkpoint")  # of a challenger, and of the control beside a warm one


class RegistryContents:
    """Lists a graph's versions and runs, says what they were made from, and deletes checkpoints and trained models."""

    def __init__(self, server: TrackingServer, aliases: RegisteredAliases) -> None:
        self.server, self._aliases = server, aliases

    @asks_the_server
    def snapshots_of_versions(self, graph: str) -> dict[int, str | None]:
        """Return the snapshot tag of every version of a graph's model; None for one that was registered by hand."""
        found: dict[int, str | None] = {}
        for version in self.server.versions(graph):
            # A run that cannot be found raises: a version of it may have been made from anything.
            run = self.server.run(version.run_id) if version.run_id and TAG not in version.tags else None
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
        aliases = self._aliases.of(graph)  # the search of versions does not give them
        found = [
            RegisteredVersion(
                version=int(item.version),
                made_at=datetime.fromtimestamp(item.creation_timestamp / 1000, UTC),
                aliases=tuple(sorted(alias for alias, number in aliases.items() if number == int(item.version))),
                run_name=item.tags.get("ncnc.run_name"),
                approved_by=item.tags.get("ncnc.approved_by"),
                weights_of=int(item.tags[WEIGHTS_OF]) if WEIGHTS_OF in item.tags else None,
                snapshot_tag=item.tags.get(TAG),
            )
            for item in self.server.versions(graph)
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
    def server_time(self) -> tuple[datetime, ...]:
        """Return what time it is by the server's own clock; nothing where there is no server, or it does not say."""
        return self.server.time()

    @asks_the_server
    def batches(self, graph: str) -> tuple[BatchState, ...]:
        """Return the graph's batches of recommendations that name their version, the oldest first."""
        runs = sorted(self._runs(f"{graph}{BATCHES}"), key=lambda run: int(run.info.start_time))
        named = ((run, run.data.tags.get(BATCH_MODEL, "").partition("@")) for run in runs)
        return tuple(
            BatchState(run.info.run_name, int(version), complete=run.info.status == "FINISHED")
            for run, (name, _, version) in named
            if name == graph and version.isdecimal()
        )

    @asks_the_server
    def remove_checkpoint(self, run_id: str) -> None:
        """Delete the checkpoints of a run: the tag first, so that no reader follows it to bytes that are gone."""
        tags = self.server.run(run_id).data.tags
        for name in CHECKPOINTS:
            if (digest := tags.get(_tag(name))) is not None:
                self.server.client.delete_tag(run_id, _tag(name))
                self.server.artifacts(run_id).remove(f"files/{digest[:12]}/{name}")

    @asks_the_server
    def remove_trained(self, run_id: str) -> None:
        """Delete the trained model of a run and its control; the tag is set last, so that a killed removal is repeated.

        The record of what was trained stays, with the digest of every file.
        """
        artifacts = self.server.artifacts(run_id)
        for name in (MODEL_FOLDER, CONTROL_FOLDER):
            artifacts.remove(name)
        self.server.client.set_tag(run_id, TRAINED_GONE, "true")

    def _runs(self, graph: str, condition: str = "") -> Iterator[Run]:
        experiment = self.server.client.get_experiment_by_name(graph)
        if experiment is not None:
            yield from self.server.runs(experiment.experiment_id, condition)


def _tag(stored: str) -> str:
    return f"ncnc.sha256.{stored}"
