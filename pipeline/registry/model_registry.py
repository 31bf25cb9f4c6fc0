"""The door to MLflow: a night's run, and the model versions and aliases made of it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from mlflow.entities import LoggedModelOutput, LoggedModelStatus
from mlflow.entities.model_registry import ModelVersion as MlflowVersion
from mlflow.exceptions import MlflowException
from pandas import DataFrame

from pipeline.errors import InvalidInput, OutsideTrouble
from pipeline.records.digests import FileDigest, digests_of_folder, keep_verified
from pipeline.records.names import MODEL_PATH
from pipeline.registry.aliases import MISSING
from pipeline.registry.contents import RegistryContents
from pipeline.registry.facts import ModelVersion
from pipeline.registry.model_package import pack_model
from pipeline.registry.night_pages import NightPages
from pipeline.registry.tracking_server import asks_the_server
from pipeline.registry.tuning_runs import TuningRuns


class ModelRegistry(NightPages, TuningRuns, RegistryContents):
    """Versions of one registered model per graph, under the aliases champion, challenger and previous; no stages."""

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
                f"The registry has no version {version} of {graph!r}. `ncnc registry show` lists them."
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
        numbers = self._versions_of_run_key(graph, run_key)
        return self.version(graph, numbers[0]) if numbers else None

    @asks_the_server
    def sole_version_of_run_key(self, graph: str, run_key: str) -> ModelVersion | None:
        """Return the version made from a run key, and delete what a race, or a try killed in one, made beside it.

        The lowest stays: MLflow counts up, so whoever made a higher one finds the lower when it looks.
        """
        numbers = self._versions_of_run_key(graph, run_key)
        if not numbers:
            return None
        first = self.version(graph, numbers[0])
        for number in numbers[1:]:
            self.delete_version(graph, number, keep_model=first.model_id)
        return first

    def _versions_of_run_key(self, graph: str, run_key: str) -> list[int]:
        found = self._client.search_model_versions(f"name = '{graph}' and tags.`ncnc.run_key` = '{run_key}'")
        return sorted(
            int(item.version) for item in found if item.name == graph and item.tags.get("ncnc.run_key") == run_key
        )

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

        Two tries of one run may both get here: each makes a version, looks which are there, and leaves the lowest.
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
        first = self.sole_version_of_run_key(graph, tags["ncnc.run_key"])
        if first is None:  # somebody deleted it since
            raise OutsideTrouble(
                f"Version {made.version} of {graph} was deleted while it was registered. Run this step again; it makes "
                f"another one."
            )
        if first.version == int(made.version):
            # MLflow's own pages find the versions of a logged model by this tag.
            link = json.dumps([{"name": graph, "version": first.version}])
            self._client.set_logged_model_tags(model_id, {"mlflow.modelVersions": link})
        return first.version

    @asks_the_server
    def tag_version(self, graph: str, version: int, tags: Mapping[str, str], *, description: str = "") -> None:
        """Add tags to a version, and say what it is."""
        for name, value in tags.items():
            self._client.set_model_version_tag(graph, str(version), name, value)
        if description:
            self._client.update_model_version(graph, str(version), description)

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
            f"{', '.join(missing) or 'run'}. Go back to one that was, which "
            f"`ncnc registry show` lists: ncnc rollback --graph {found.name} --to VERSION --reason ..."
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
