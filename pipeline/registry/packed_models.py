"""The packed models behind the versions: stored, fetched by digest, observed for an audit, deleted."""

from __future__ import annotations

import tempfile
from pathlib import Path

from mlflow.entities import LoggedModelOutput, LoggedModelStatus
from mlflow.exceptions import MlflowException
from pandas import DataFrame

from pipeline.records.digests import FileDigest, digests_of_folder, keep_verified
from pipeline.records.names import MODEL_PATH
from pipeline.registry.facts import ModelVersion
from pipeline.registry.model_package import pack_model
from pipeline.registry.tracking_server import MISSING, ArtifactFolder, TrackingServer, asks_the_server


class PackedModels:
    """MLflow's logged models, each a LinkModel folder packed as a pyfunc."""

    def __init__(self, server: TrackingServer) -> None:
        self.server = server

    @asks_the_server
    def log(self, run_id: str, model_folder: Path, *, input_example: DataFrame) -> str:
        """Pack a LinkModel folder as a pyfunc, store it as an output of the run, and return its model id."""
        client, experiment = self.server.client, self.server.run(run_id).info.experiment_id
        logged = client.create_logged_model(
            experiment, name="link_model", source_run_id=run_id, model_type="link-prediction"
        )
        with tempfile.TemporaryDirectory() as scratch:
            packed = Path(scratch) / "model"
            pack_model(model_folder, packed, logged=logged, input_example=input_example)
            client.log_model_artifacts(logged.model_id, str(packed))
        client.log_outputs(run_id, [LoggedModelOutput(model_id=logged.model_id, step=0)])
        client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
        return str(logged.model_id)

    @asks_the_server
    def fetch(self, version: ModelVersion, destination: Path) -> Path:
        """Fetch the LinkModel folder of a version into a folder, and return the folder.

        Raises:
            TamperedRecord: a served file is missing, or differs from what was trained.
        """
        with self._artifacts(version.model_id).fetched(MODEL_PATH) as found:
            return keep_verified(found, destination, version.files, f"{version.name} version {version.version}")

    @asks_the_server
    def observe(self, model_id: str) -> tuple[FileDigest, ...]:
        """Return the digest of every file of a packed model as it lies in MLflow, code and requirements included."""
        with self._artifacts(model_id).fetched() as found:
            return digests_of_folder(found) if found else ()

    @asks_the_server
    def place(self, model_id: str) -> str:
        """Return where the files of a packed model lie."""
        return str(self.server.client.get_logged_model(model_id).artifact_location)

    @asks_the_server
    def keep(self, version: ModelVersion, files: tuple[FileDigest, ...], destination: Path) -> Path:
        """Fetch these files of a packed model, and no other ones, into a folder, each by its digest.

        Raises:
            TamperedRecord: a file is missing or differs; `destination` is left as it was.
        """
        with self._artifacts(version.model_id).fetched() as found:
            return keep_verified(found, destination, files, f"{version.name} version {version.version}")

    @asks_the_server
    def delete(self, model_id: str) -> None:
        """Delete a packed model and its files; one that is gone already is no error."""
        try:
            folder = self._artifacts(model_id)
            self.server.client.delete_logged_model(model_id)
        except MlflowException as error:
            if error.error_code not in MISSING:
                raise
            return
        for name in folder.names():
            folder.remove(name)

    def _artifacts(self, model_id: str) -> ArtifactFolder:
        location = self.server.client.get_logged_model(model_id).artifact_location
        return ArtifactFolder(location, self.server.tracking_uri)
