"""The door to MLflow: a night's run, and the model versions and aliases made of it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from mlflow.entities import LoggedModelOutput, LoggedModelStatus
from mlflow.entities.model_registry import ModelVersion as MlflowVersion
from mlflow.exceptions import MlflowException
from pandas import DataFrame

from pipeline.errors import InvalidInput
from pipeline.ledger import Ledger
from pipeline.model_package import MODEL_PATH, pack_model
from pipeline.night_pages import NightPages
from pipeline.records import AliasEntry, FileDigest, digests_of_folder
from pipeline.registry_references import snapshots_of_open_runs, snapshots_of_versions
from pipeline.tracking_server import ArtifactFolder, asks_the_server
from pipeline.verified_copy import keep_verified

Alias = Literal["champion", "challenger", "previous"]
MISSING = ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND", "INVALID_PARAMETER_VALUE")


@dataclass(frozen=True)
class ModelVersion:
    """One registered version; `files` are the trained model's, which `fetch_model` verifies."""

    name: str
    version: int
    run_id: str
    model_id: str
    run_key: str
    run_name: str
    as_of: datetime
    files: tuple[FileDigest, ...]
    tags: Mapping[str, str]


class ModelRegistry(NightPages):
    """Versions of one registered model per graph, under the aliases champion, challenger and previous; no stages."""

    @asks_the_server
    def aliases(self, graph: str) -> dict[str, int]:
        """Return where each alias of a graph's model points; empty while there is no model."""
        try:
            model = self._client.get_registered_model(graph)
        except MlflowException as error:
            if error.error_code in MISSING:
                return {}
            raise
        return {alias: int(version) for alias, version in model.aliases.items()}

    def champion(self, graph: str) -> ModelVersion | None:
        """Return the version in use, or None before the first promotion."""
        version = self.aliases(graph).get("champion")
        return None if version is None else self.version(graph, version)

    @asks_the_server
    def version(self, graph: str, version: int) -> ModelVersion:
        """Return one version.

        Raises:
            InvalidInput: there is no such version, or it was not made by this pipeline.
        """
        try:
            found = self._client.get_model_version(graph, str(version))
        except MlflowException as error:
            if error.error_code not in MISSING:
                raise
            raise InvalidInput(
                f"The registry has no version {version} of {graph!r}. `ncnc status` shows the versions in use."
            ) from error
        return _described(found)

    def named(self, graph: str, version_or_alias: int | str) -> ModelVersion:
        """Return the version of a number or an alias.

        Raises:
            InvalidInput: there is no such version or alias.
        """
        if isinstance(version_or_alias, int) or version_or_alias.isdecimal():
            return self.version(graph, int(version_or_alias))
        aliases = self.aliases(graph)
        if version_or_alias not in aliases:
            known = ", ".join(f"{alias} (version {number})" for alias, number in sorted(aliases.items())) or "none"
            raise InvalidInput(
                f"The model {graph!r} has no alias {version_or_alias!r}; it has: {known}. "
                f"Name one of these, or a version number; a model is there once a night was promoted."
            )
        return self.version(graph, aliases[version_or_alias])

    @asks_the_server
    def version_of_run_key(self, graph: str, run_key: str) -> ModelVersion | None:
        """Return the version made from a run key, the lowest if a race made two, or None."""
        found = self._client.search_model_versions(f"name = '{graph}' and tags.`ncnc.run_key` = '{run_key}'")
        numbers = [int(item.version) for item in found if item.tags.get("ncnc.run_key") == run_key]
        return self.version(graph, min(numbers)) if numbers else None

    @asks_the_server
    def snapshots_of_versions(self, graph: str) -> dict[int, str | None]:
        """Return the snapshot tag of every version of a graph's model; None for one that was registered by hand."""
        return snapshots_of_versions(self._client, graph)

    @asks_the_server
    def snapshots_of_open_runs(self, graph: str) -> dict[str, str]:
        """Return the snapshot tag of every run of a graph that has not ended, by the run's name."""
        return snapshots_of_open_runs(self._client, graph)

    @asks_the_server
    def log_model(self, run_id: str, model_folder: Path, *, input_example: DataFrame) -> str:
        """Pack a LinkModel folder as a pyfunc, store it as an output of the run, and return its model id."""
        logged = self._client.create_logged_model(
            self._run(run_id).info.experiment_id, name="link_model", source_run_id=run_id, model_type="link-prediction"
        )
        with tempfile.TemporaryDirectory() as scratch:
            packed = Path(scratch) / "model"
            pack_model(model_folder, packed, logged=logged, input_example=input_example)
            self._client.log_model_artifacts(logged.model_id, str(packed))
        self._client.log_outputs(run_id, [LoggedModelOutput(model_id=logged.model_id, step=0)])
        self._client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
        return str(logged.model_id)

    @asks_the_server
    def create_version(self, graph: str, run_id: str, model_id: str, tags: Mapping[str, str]) -> int:
        """Register a logged model under its run key and return the version that holds this key.

        Where a race registers one key twice, the lower version stays and the other is deleted by its maker.
        """
        try:
            self._client.create_registered_model(graph)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        # The place itself, not models:/<id>: a bare database would look that up in MLflow's process-wide default.
        source = self._client.get_logged_model(model_id).artifact_location
        # The tag, because MLflow keeps a version's model id only where its source reads models:/<id>.
        made = self._client.create_model_version(
            graph, source=source, run_id=run_id, tags={**tags, "ncnc.model_id": model_id}, model_id=model_id
        )
        # MLflow's own pages find the versions of a logged model by this tag.
        link = json.dumps([{"name": graph, "version": int(made.version)}])
        self._client.set_logged_model_tags(model_id, {"mlflow.modelVersions": link})
        first = self.version_of_run_key(graph, tags["ncnc.run_key"])
        if first is None or first.version == int(made.version):
            return int(made.version)
        self._client.delete_model_version(graph, str(made.version))
        return first.version

    @asks_the_server
    def tag_version(self, graph: str, version: int, tags: Mapping[str, str], *, description: str = "") -> None:
        """Add tags to a version, and say what it is."""
        for name, value in tags.items():
            self._client.set_model_version_tag(graph, str(version), name, value)
        if description:
            self._client.update_model_version(graph, str(version), description)

    @asks_the_server
    def move_alias(
        self, ledger: Ledger, graph: str, alias: Alias, version: int | None, *, who: str, why: str, at: datetime
    ) -> None:
        """Point an alias at a version, or at nothing; every move of an alias goes through here.

        The ledger is written ahead: a kill between the two leaves an entry that the next call completes, and never a
        move that nobody wrote down. Where alias and ledger both stand there already, nothing happens.
        """
        previous = self.aliases(graph).get(alias)
        moves = [item for item in ledger.entries(graph) if isinstance(item, AliasEntry) and item.alias == alias]
        if not moves or moves[-1].version != version:
            ledger.append(
                AliasEntry(graph=graph, alias=alias, version=version, previous=previous, at=at, who=who, why=why)
            )
        if previous == version:
            return
        if version is None:
            self._client.delete_registered_model_alias(graph, alias)
        else:
            self._client.set_registered_model_alias(graph, alias, str(version))

    @asks_the_server
    def fetch_model(self, version: ModelVersion, destination: Path) -> Path:
        """Fetch the LinkModel folder of a version into a folder, and return the folder.

        Raises:
            TamperedRecord: a served file is missing, or differs from what was trained.
        """
        with self._model_artifacts(version.model_id).fetched(MODEL_PATH) as found:
            return keep_verified(found, destination, version.files, f"{version.name} version {version.version}")

    @asks_the_server
    def observe_model(self, model_id: str) -> tuple[FileDigest, ...]:
        """Return the digest of every file of a packed model as it lies in MLflow, code and requirements included."""
        with self._model_artifacts(model_id).fetched() as found:
            return digests_of_folder(found) if found else ()

    def _model_artifacts(self, model_id: str) -> ArtifactFolder:
        return ArtifactFolder(self._client.get_logged_model(model_id).artifact_location, self.tracking_uri)


def version_tags(
    *, run_key: str, run_name: str, as_of: datetime, snapshot_tag: str, files: tuple[FileDigest, ...]
) -> dict[str, str]:
    """Return the tags that make a version one of this pipeline's: whose work it is, and of which bytes."""
    return {
        "ncnc.run_key": run_key,
        "ncnc.run_name": run_name,
        "ncnc.as_of": as_of.isoformat(),
        "ncnc.snapshot_tag": snapshot_tag,
        "ncnc.files": json.dumps({item.path: item.sha256 for item in files}),
    }


def _described(found: MlflowVersion) -> ModelVersion:
    tags = dict(found.tags)
    wanted = {"ncnc.run_key", "ncnc.run_name", "ncnc.as_of", "ncnc.files", "ncnc.model_id"}
    missing = sorted(wanted - tags.keys())
    if missing or not found.run_id:
        raise InvalidInput(
            f"Version {found.version} of {found.name!r} was not registered by this pipeline: it has no "
            f"{', '.join(missing) or 'run'}. Point the alias back at a version that was; "
            f"`ncnc status` shows them."
        )
    return ModelVersion(
        name=found.name,
        version=int(found.version),
        run_id=found.run_id,
        model_id=tags["ncnc.model_id"],
        run_key=tags["ncnc.run_key"],
        run_name=tags["ncnc.run_name"],
        as_of=datetime.fromisoformat(tags["ncnc.as_of"]),
        files=tuple(FileDigest(path=path, sha256=sha) for path, sha in json.loads(tags["ncnc.files"]).items()),
        tags=tags,
    )
