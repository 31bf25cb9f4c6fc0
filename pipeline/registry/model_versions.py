"""The versions of a graph's registered model: found, made once for a run key, described, deleted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from mlflow.entities.model_registry import ModelVersion as MlflowVersion
from mlflow.exceptions import MlflowException

from pipeline.errors import InvalidInput, OutsideTrouble
from pipeline.records.digests import FileDigest
from pipeline.registry.aliases import RegisteredAliases
from pipeline.registry.facts import ModelVersion
from pipeline.registry.packed_models import PackedModels
from pipeline.registry.tracking_server import MISSING, TrackingServer, asks_the_server


class ModelVersions:
    """Versions of one registered model per graph, under the aliases champion, challenger and previous; no stages."""

    def __init__(self, server: TrackingServer, aliases: RegisteredAliases, models: PackedModels) -> None:
        self.server, self._aliases, self._models = server, aliases, models

    def champion(self, graph: str) -> ModelVersion | None:
        """Return the version in use, or None before the first promotion."""
        version = self._aliases.of(graph).get("champion")
        return None if version is None else self.get(graph, version)

    def champion_weights(self, graph: str) -> ModelVersion | None:
        """Return the version whose weights the champion carries: what a night compares with, and begins warm with.

        What it has seen is what they saw; the graph that is served may be of any later night.
        """
        champion = self.champion(graph)
        return champion if champion is None or not champion.is_refresh else self.get(graph, champion.weights_of)

    @asks_the_server
    def get(self, graph: str, version: int) -> ModelVersion:
        """Return one version.

        Raises:
            InvalidInput: there is no such version, or it was not made by this pipeline.
        """
        try:
            found = self.server.client.get_model_version(graph, str(version))
        except MlflowException as error:
            if error.error_code not in MISSING:
                raise
            raise InvalidInput(
                f"The registry has no version {version} of {graph!r}. `ncnc registry show` lists them."
            ) from error
        return _described(found)

    @asks_the_server
    def place(self, graph: str, version: int) -> str:
        """Return where MLflow takes the files of a version from when it serves it."""
        return str(self.server.client.get_model_version_download_uri(graph, str(version)))

    def named(self, graph: str, version_or_alias: int | str) -> ModelVersion:
        """Return the version of a number or an alias.

        Raises:
            InvalidInput: there is no such version or alias.
        """
        if isinstance(version_or_alias, int) or version_or_alias.isdecimal():
            return self.get(graph, int(version_or_alias))
        aliases = self._aliases.of(graph)
        if version_or_alias not in aliases:
            known = ", ".join(f"{alias} (version {number})" for alias, number in sorted(aliases.items())) or "none"
            raise InvalidInput(
                f"The model {graph!r} has no alias {version_or_alias!r}; it has: {known}. "
                f"Name one of these, or a version number; a model is there once a night was promoted."
            )
        return self.get(graph, aliases[version_or_alias])

    @asks_the_server
    def of_run_key(self, graph: str, run_key: str) -> ModelVersion | None:
        """Return the version made from a run key, the lowest if a race made two, or None."""
        numbers = self._numbers_of_run_key(graph, run_key)
        return self.get(graph, numbers[0]) if numbers else None

    @asks_the_server
    def sole_of_run_key(self, graph: str, run_key: str) -> ModelVersion | None:
        """Return the version made from a run key, and delete duplicates that a race or a killed try made.

        The lowest stays. MLflow counts up, so the maker of a higher one always finds the lower.
        """
        numbers = self._numbers_of_run_key(graph, run_key)
        if not numbers:
            return None
        first = self.get(graph, numbers[0])
        for number in numbers[1:]:
            self.delete(graph, number, keep_model=first.model_id)
        return first

    def _numbers_of_run_key(self, graph: str, run_key: str) -> list[int]:
        found = self.server.versions(graph, f" and tags.`ncnc.run_key` = '{run_key}'")
        return sorted(int(item.version) for item in found if item.tags.get("ncnc.run_key") == run_key)

    @asks_the_server
    def create(self, graph: str, run_id: str, model_id: str, tags: Mapping[str, str], *, above: int = 0) -> int:
        """Register a logged model under its run key and return the version that holds this key.

        Two tries of one run may both get here. Each makes a version, lists them, and keeps the lowest.

        The number is above `above`, the highest that the ledger names: an MLflow that was restored, or whose model was
        deleted, would give a number again that already means another version.
        """
        try:
            self.server.client.create_registered_model(graph)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        # The place itself, not models:/<id>: a bare database would look that up in MLflow's process-wide default.
        source = self.server.client.get_logged_model(model_id).artifact_location
        # The tag, because MLflow keeps a version's model id only where its source reads models:/<id>.
        self._pass_over(graph, above, source)
        made = self.server.client.create_model_version(
            graph, source=source, run_id=run_id, tags={**tags, "ncnc.model_id": model_id}, model_id=model_id
        )
        first = self.sole_of_run_key(graph, tags["ncnc.run_key"])
        if first is None:  # it was deleted since
            raise OutsideTrouble(
                f"Version {made.version} of {graph} was deleted while it was registered. Run this step again; it makes "
                f"another one."
            )
        if first.version == int(made.version):
            # MLflow's own pages find the versions of a logged model by this tag.
            link = json.dumps([{"name": graph, "version": first.version}])
            self.server.client.set_logged_model_tags(model_id, {"mlflow.modelVersions": link})
        return first.version

    def _pass_over(self, graph: str, above: int, source: str) -> None:
        """Use up version numbers up to one, where the highest version that is there is below it.

        MLflow never gives a number again while the registered model stays, also where the version was deleted. Only by
        making a version can one see which number is next.
        """
        number = max((int(item.version) for item in self.server.versions(graph)), default=0)
        for _ in range(above - number):
            if number >= above:
                return
            number = int(self.server.client.create_model_version(graph, source=source).version)
            self.server.client.delete_model_version(graph, str(number))

    @asks_the_server
    def tag(self, graph: str, version: int, tags: Mapping[str, str], *, description: str = "") -> None:
        """Add tags to a version, and set its description."""
        for name, value in tags.items():
            self.server.client.set_model_version_tag(graph, str(version), name, value)
        if description:
            self.server.client.update_model_version(graph, str(version), description)

    @asks_the_server
    def delete(self, graph: str, version: int, *, keep_model: str | None = None) -> None:
        """Delete a version, then the packed model behind it; what is gone already is no error."""
        try:
            model_id = self.server.client.get_model_version(graph, str(version)).tags.get("ncnc.model_id")
            self.server.client.delete_model_version(graph, str(version))
        except MlflowException as error:
            if error.error_code not in MISSING:
                raise
            return
        if model_id is not None and model_id != keep_model:
            self._models.delete(model_id)


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
