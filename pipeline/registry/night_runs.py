"""A night's MLflow run: found by the run's name, it keeps metrics, records, folders and checkpoints by digest."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from ncnc_core.whole_file import whole_file
from pipeline.errors import InvalidInput, TamperedRecord
from pipeline.records.chain import GraphSnapshot
from pipeline.records.digests import FileDigest, digests_of_folder, folder_digest, keep_verified, sha256_of_file
from pipeline.records.record import Record
from pipeline.registry.mlflow_names import mlflow_key, mlflow_value
from pipeline.registry.snapshot_dataset import snapshot_input
from pipeline.registry.tracking_server import TrackingServer, artifact_location, asks_the_server

R = TypeVar("R", bound=Record)
RUN_NAME = re.compile(r"[A-Za-z0-9_-]+")
KIND = {"mlflow.experimentKind": "custom_model_development"}  # else the page opens on traces of language models, empty
BATCH = 100  # MLflow's limit for the params of one call


class NightRuns:
    """One MLflow run per night that trains, in an experiment per graph.

    Everything is stored under its sha256, and the tag `ncnc.sha256.<name>` points at the newest. An earlier try that is
    still running can store its own bytes but never mix them with another's, and no reader sees a half-written file.
    """

    def __init__(self, server: TrackingServer) -> None:
        self.server = server
        self._found: dict[tuple[str, str], str] = {}

    @asks_the_server
    def open(self, graph: str, run_name: str, *, run_key: str, params: Mapping[str, str]) -> str:
        """Return the id of the night's MLflow run, opened if there is none yet.

        Raises:
            InvalidInput: the run is there with other parameters.
        """
        run_id = self.find(graph, run_name)
        if run_id is None:
            tags = {"ncnc.run_name": run_name, "ncnc.run_key": run_key}
            created = self.server.client.create_run(self.experiment(graph), tags=tags, run_name=run_name).info.run_id
            # Two tries may both have found none and made one: both keep the earlier.
            run_id = self.find(graph, run_name) or created
            if run_id != created:
                self.server.client.delete_run(created)
        elif self.server.client.get_run(run_id).info.status in ("FAILED", "KILLED"):
            self.server.client.update_run(run_id, status="RUNNING")
        self._log_params(run_id, run_name, params)
        self._found[graph, run_name] = run_id
        return run_id

    @asks_the_server
    def find(self, graph: str, run_name: str) -> str | None:
        """Return the id of the MLflow run with exactly this run name, or None; of several, the earliest started."""
        if not RUN_NAME.fullmatch(run_name):
            raise InvalidInput(
                f"{run_name!r} is no run name. Use <graph>-<as of as YYYYMMDDTHHMMSSZ>, for example "
                f"demo-20260101T000000Z."
            )
        if (graph, run_name) not in self._found:
            experiment = self.server.client.get_experiment_by_name(graph)
            if experiment is None:
                return None
            runs = self.server.runs(experiment.experiment_id, f"tags.`ncnc.run_name` = '{run_name}'")
            # Some databases compare without regard to case.
            exact = [run.info for run in runs if run.data.tags["ncnc.run_name"] == run_name]
            if not exact:
                return None
            return str(min(exact, key=lambda info: (info.start_time, info.run_id)).run_id)
        return self._found[graph, run_name]

    @asks_the_server
    def log_snapshot(self, run_id: str, snapshot: GraphSnapshot, data_repository: str) -> None:
        """Enter the snapshot as the run's input dataset, with its place in DVC and its content id."""
        self.server.client.log_inputs(run_id, [snapshot_input(snapshot, data_repository)])
        self.server.client.set_tag(run_id, "ncnc.snapshot_tag", snapshot.tag)
        self.server.client.set_tag(run_id, "ncnc.content_id", snapshot.content_id)

    @asks_the_server
    def log_metrics(self, run_id: str, metrics: Mapping[str, float], *, step: int = 0) -> None:
        """Log metrics of one step; hits@10 is stored as hits_at_10, for MLflow allows no @."""
        now = int(time.time() * 1000)
        entries = [Metric(mlflow_key(name), float(value), now, step) for name, value in metrics.items()]
        self.server.client.log_batch(run_id, metrics=entries)

    @asks_the_server
    def metrics(self, run_id: str, names: Iterable[str] | None = None) -> dict[str, float]:
        """Return the newest value of every metric of a run, under MLflow's names; or of those logged under `names`."""
        logged = {name: float(value) for name, value in self.server.run(run_id).data.metrics.items()}
        if names is None:
            return logged
        return {name: logged[mlflow_key(name)] for name in names if mlflow_key(name) in logged}

    @asks_the_server
    def steps(self, run_id: str, name: str) -> set[int]:
        """Return the steps that have a value of a metric."""
        return {point.step for point in self.server.client.get_metric_history(run_id, mlflow_key(name))}

    @asks_the_server
    def put_record(self, run_id: str, record: Record) -> None:
        """Keep a copy of a record, and point the run at it."""
        with tempfile.TemporaryDirectory() as scratch:
            self._put(run_id, record.write(Path(scratch)), "records", record.file_name, record.sha256)

    @asks_the_server
    def get_record(self, run_id: str, kind: type[R]) -> R | None:
        """Return a record of the run, or None if it has none of this kind yet.

        Raises:
            TamperedRecord: the copy is gone, or differs from the digest it was stored under.
        """
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / kind.file_name
            return kind.read(Path(scratch)) if self._fetch(run_id, path, "records", kind.file_name) else None

    @asks_the_server
    def put_file(self, run_id: str, path: Path, name: str) -> None:
        """Keep a file under a name, in place of what had the name before; for checkpoints and parameters."""
        before = self.server.run(run_id).data.tags.get(f"ncnc.sha256.{name}")
        digest = sha256_of_file(path)
        self._put(run_id, path, "files", name, digest)
        if before not in (None, digest):
            self.server.artifacts(run_id).remove(f"files/{before[:12]}/{name}")

    @asks_the_server
    def fetch_file(self, run_id: str, path: Path, name: str) -> bool:
        """Fetch a file to a path by one atomic rename; False if the run has none of this name.

        Raises:
            TamperedRecord: the file is gone, or differs from the digest it was stored under.
        """
        return self._fetch(run_id, path, "files", name)

    @asks_the_server
    def put_folder(self, run_id: str, folder: Path, name: str) -> None:
        """Keep a folder's files under a name and the digest of them all."""
        self.server.artifacts(run_id).put_folder(folder, f"{name}/{folder_digest(digests_of_folder(folder))[:12]}")

    @asks_the_server
    def fetch_folder(self, run_id: str, name: str, destination: Path, files: tuple[FileDigest, ...]) -> Path:
        """Fetch the very files that a record lists into a folder, and return the folder.

        Raises:
            TamperedRecord: a file is missing or differs; `destination` is left as it was.
        """
        with self.server.artifacts(run_id).fetched(f"{name}/{folder_digest(files)[:12]}") as found:
            return keep_verified(found, destination, files, f"{name} of MLflow run {run_id}")

    @asks_the_server
    def observe_folder(self, run_id: str, name: str, files: tuple[FileDigest, ...]) -> dict[str, str]:
        """Return the sha256 of each file where `fetch_folder` would look, unverified; for audits."""
        with self.server.artifacts(run_id).fetched(f"{name}/{folder_digest(files)[:12]}") as found:
            return {item.path: item.sha256 for item in digests_of_folder(found)} if found else {}

    @asks_the_server
    def param(self, run_id: str, name: str) -> str | None:
        """Return a parameter as `open` logged it, or None where the run has none of that name."""
        value: str | None = self.server.run(run_id).data.params.get(mlflow_key(name))
        return value

    @asks_the_server
    def pinned(self, run_id: str, name: str, value: str) -> str:
        """Return the value stored under a name; the first call of a run stores `value`, and its retries get it back."""
        chosen: str | None = self.server.run(run_id).data.tags.get(f"ncnc.{name}")
        if chosen is None:
            self.server.client.set_tag(run_id, f"ncnc.{name}", value)
        return value if chosen is None else chosen

    @asks_the_server
    def close(self, run_id: str, outcome: str, *, succeeded: bool = True) -> None:
        """End the night's run with its outcome."""
        self.server.client.set_tag(run_id, "ncnc.outcome", outcome)
        self.server.client.set_terminated(run_id, "FINISHED" if succeeded else "FAILED")

    def experiment(self, graph: str) -> str:
        """Return the id of a graph's experiment, made if there is none yet.

        Raises:
            InvalidInput: it was deleted.
        """
        experiment = self.server.client.get_experiment_by_name(graph)
        if experiment is None:
            try:
                where = artifact_location(self.server.tracking_uri, graph)
                return self.server.client.create_experiment(graph, where, tags=KIND)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                experiment = self.server.client.get_experiment_by_name(graph)  # another night was first
        if experiment is None or experiment.lifecycle_stage != "active":
            raise InvalidInput(
                f"The MLflow experiment {graph!r} was deleted. Restore it with `mlflow experiments restore`, "
                f"or give the graph another name: snapshot.graph in params.yaml."
            )
        for name in KIND.keys() - experiment.tags.keys():  # made by an earlier version, and no person has chosen
            self.server.client.set_experiment_tag(experiment.experiment_id, name, KIND[name])
        return str(experiment.experiment_id)

    def _log_params(self, run_id: str, run_name: str, params: Mapping[str, str]) -> None:
        wanted = {mlflow_key(name): mlflow_value(value) for name, value in params.items()}
        known = self.server.run(run_id).data.params
        for name in wanted.keys() & known.keys():
            if wanted[name] != known[name]:
                raise InvalidInput(
                    f"Run {run_name} is in MLflow with {name} = {known[name]}, but now has {wanted[name]}. "
                    f"Start a run with another as-of time, or restore the parameter."
                )
        entries = [Param(name, value) for name, value in wanted.items() if name not in known]
        for start in range(0, len(entries), BATCH):
            self.server.client.log_batch(run_id, params=entries[start : start + BATCH])

    def _put(self, run_id: str, path: Path, kind: str, name: str, sha256: str) -> None:
        self.server.artifacts(run_id).put_file(path, f"{kind}/{sha256[:12]}/{name}")
        # The tag last: until it stands, readers see what was there before.
        self.server.client.log_batch(run_id, tags=[RunTag(f"ncnc.sha256.{name}", sha256)])

    def _fetch(self, run_id: str, path: Path, kind: str, name: str) -> bool:
        sha256 = self.server.run(run_id).data.tags.get(f"ncnc.sha256.{name}")
        if sha256 is None:
            return False
        with self.server.artifacts(run_id).fetched(f"{kind}/{sha256[:12]}/{name}") as found:
            observed = sha256_of_file(found) if found else "nothing"
            if observed != sha256 or found is None:
                raise TamperedRecord(
                    f"{name} of MLflow run {run_id} has sha256 {observed[:12]}, but was stored with {sha256[:12]}. "
                    f"It was changed after it was stored; restore {kind}/{sha256[:12]}/{name} from a backup."
                )
            with whole_file(path) as staged:
                shutil.copyfile(found, staged)
        return True
