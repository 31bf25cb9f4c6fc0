"""The connection to MLflow: client, lists, artifacts by path, and errors that say what to do."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion as MlflowVersion
from mlflow.exceptions import MlflowException, RestException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.tracking import MlflowClient
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import http_request
from requests.exceptions import RequestException
from sqlalchemy.exc import OperationalError

from pipeline.credentials import public, public_text
from pipeline.errors import InvalidInput, OutsideTrouble, StepError
from pipeline.local_trouble import local_trouble
from pipeline.registry.bare_database import database_path, make_tables

TROUBLE = ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "ABORTED", "DEADLINE_EXCEEDED")
MISSING = ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND", "INVALID_PARAMETER_VALUE")
REFUSED = ("UNAUTHENTICATED", "PERMISSION_DENIED", "CUSTOMER_UNAUTHORIZED")
INSERTED_TWICE = ("UNIQUE constraint failed", "duplicate key value")  # as SQLite and as PostgreSQL say it
NO_ANSWER_OF_MLFLOW = "API request to endpoint"  # how its client begins where the answer is no JSON
PAGE = 200
_ARTIFACT_ROOT = "_MLFLOW_SERVER_ARTIFACT_ROOT"


class TrackingServer:
    """One MLflow server, or one bare database: its client, its artifacts, and its lists page by page."""

    def __init__(self, tracking_uri: str) -> None:
        self.tracking_uri = tracking_uri

    def __reduce__(self) -> tuple[type[TrackingServer], tuple[str]]:
        """Hand another process the address alone: it opens a connection of its own."""
        return TrackingServer, (self.tracking_uri,)

    @cached_property
    def client(self) -> MlflowClient:
        """A client of its own, opened when first used, with no part in MLflow's process-wide active run and URIs."""
        with _artifacts_beside(self.tracking_uri):
            if (path := database_path(self.tracking_uri)) is not None:
                make_tables(path)
            return MlflowClient(tracking_uri=self.tracking_uri, registry_uri=self.tracking_uri)

    def time(self) -> tuple[datetime, ...]:
        """Return the time that the server gives in the head of its answers; nothing of a bare database."""
        if not self.tracking_uri.startswith(("http://", "https://")):
            return ()
        login = get_default_host_creds(self.tracking_uri)  # type: ignore[no-untyped-call]
        answer = http_request(login, "/version", "GET", raise_on_status=False)  # type: ignore[no-untyped-call]
        said = answer.headers.get("Date")
        return () if said is None else (parsedate_to_datetime(said),)

    def run(self, run_id: str) -> Run:
        """Return a run."""
        return self.client.get_run(run_id)

    def runs(self, experiment_id: str, condition: str = "") -> Iterator[Run]:
        """Yield every run of an experiment that meets a condition of MLflow's search, page by page."""
        search = self.client.search_runs
        return _pages(lambda token: search([experiment_id], condition, max_results=PAGE, page_token=token))

    def versions(self, graph: str, condition: str = "") -> Iterator[MlflowVersion]:
        """Yield every version of a graph's model that meets a condition of MLflow's search, page by page."""
        search, condition = self.client.search_model_versions, f"name = '{graph}'{condition}"
        for item in _pages(lambda token: search(condition, max_results=PAGE, page_token=token)):
            if item.name == graph:  # some databases compare without regard to case
                yield item

    def artifacts(self, run_id: str) -> ArtifactFolder:
        """Return the artifacts of a run."""
        return ArtifactFolder(self.run(run_id).info.artifact_uri, self.tracking_uri)


class AsksTheServer(Protocol):
    """A part of the registry; it holds the server that it asks."""

    @property
    def server(self) -> TrackingServer:
        """The server."""


S = TypeVar("S", bound=AsksTheServer)
P = ParamSpec("P")
T = TypeVar("T")


def asks_the_server(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """Turn what MLflow raises when its server cannot answer into the project's own errors.

    Two tries that set one tag at the same moment both insert it, and MLflow lets the second fail on the database's
    unique key: that call is made once more, now as an update. Every method here may be called twice.

    Raises:
        OutsideTrouble: the server cannot be reached, or is failing, or something else answers in its place, or this
            machine's disk is full; trying again may help.
        InvalidInput: the server refuses these credentials, or has no longer what was asked for.
    """

    @functools.wraps(method)
    def asked(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            try:
                return method(self, *args, **kwargs)
            except MlflowException as error:
                if not any(words in str(error) for words in INSERTED_TWICE):
                    raise
            return method(self, *args, **kwargs)
        except (MlflowException, RequestException, OperationalError) as error:
            if refusal := _told(error, self.server.tracking_uri):
                raise refusal from error
            raise

    return asked


def _told(error: Exception, tracking_uri: str) -> StepError | None:
    """Return the project's own error for one that MLflow raised; None where it is a bug of ours."""
    if trouble := local_trouble(error):
        return trouble
    code, where = getattr(error, "error_code", "INTERNAL_ERROR"), public(tracking_uri)
    said = public_text(str(error), tracking_uri).splitlines()[0][:300]
    if code in REFUSED:
        return InvalidInput(
            f"MLflow at {where} refuses this user: {said}. "
            f"Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or ask for the permission."
        )
    if not isinstance(error, RestException) and said.startswith(NO_ANSWER_OF_MLFLOW):
        return OutsideTrouble(
            f"What answers at {where} is no MLflow server: {said.partition('. Response body')[0]}. A proxy or another "
            f"site may stand there. Set MLFLOW_TRACKING_URI to MLflow's own address, with its path if it has one, or "
            f"start the server behind the proxy; then try again."
        )
    if code in TROUBLE:
        return OutsideTrouble(
            f"MLflow at {where} gives no answer: {said}. "
            f"Start the server, or set MLFLOW_TRACKING_URI to where it runs; then try again."
        )
    if code == "RESOURCE_DOES_NOT_EXIST":  # runs, versions and models are named by records of ours
        return InvalidInput(
            f"MLflow at {where} has no longer what a record of ours names: {said}. It was deleted there, or MLflow was "
            f"restored from an older copy. `ncnc registry doctor` says what is missing; a run that MLflow has lost "
            f"cannot go on: start one of another as-of."
        )
    return None


def artifact_location(tracking_uri: str, experiment: str) -> str | None:
    """Return where an experiment's artifacts go: beside a bare database, else None, where the server says."""
    path = database_path(tracking_uri)
    return None if path is None else (path.parent / "mlartifacts" / experiment).as_uri()


class ArtifactFolder:
    """The artifacts below one root, by path; the root is a run's or a logged model's."""

    def __init__(self, root: str, tracking_uri: str) -> None:
        # Any: MLflow's artifact repositories carry no annotations.
        self._repository: Any = get_artifact_repository(root, tracking_uri=tracking_uri)

    def has(self, path: str) -> bool:
        """Return whether there is a file or a folder at a path."""
        parent = path.rpartition("/")[0]
        return path in {item.path for item in self._repository.list_artifacts(parent or None)}

    def names(self) -> tuple[str, ...]:
        """Return the files and folders at the root."""
        return tuple(item.path for item in self._repository.list_artifacts(None))

    def put_file(self, source: Path, path: str) -> None:
        """Store a file; the last part of the path must be its name."""
        if source.name == path.rpartition("/")[2]:
            self._repository.log_artifact(str(source), path.rpartition("/")[0] or None)
            return
        with tempfile.TemporaryDirectory() as scratch:
            named = Path(scratch) / path.rpartition("/")[2]
            shutil.copyfile(source, named)
            self._repository.log_artifact(str(named), path.rpartition("/")[0] or None)

    def put_folder(self, source: Path, path: str) -> None:
        """Store every file below a folder."""
        self._repository.log_artifacts(str(source), path)

    @contextmanager
    def fetched(self, path: str = "") -> Iterator[Path | None]:
        """Give a private copy of a file or folder for the length of a block; None where there is none."""
        if path and not self.has(path):
            yield None
            return
        with tempfile.TemporaryDirectory(prefix="ncnc-artifact-") as scratch:
            yield Path(self._repository.download_artifacts(path, dst_path=scratch))

    def remove(self, path: str) -> None:
        """Delete what lies at a path; what is gone already, or goes meanwhile, is no error."""
        while self.has(path):
            # Another process may be deleting the same folder: MLflow then misses a file that it has just listed.
            with suppress(FileNotFoundError):
                self._repository.delete_artifacts(path)


def _pages(page_of: Callable[[str | None], Any]) -> Iterator[Any]:  # Any: MLflow's paged lists carry no annotations
    token: str | None = None
    while True:
        page = page_of(token)
        yield from page
        token = page.token
        if not token:
            return


@contextmanager
def _artifacts_beside(tracking_uri: str) -> Iterator[None]:
    """Keep a bare database from making ./mlruns wherever the process happens to stand."""
    path = database_path(tracking_uri)
    if path is None or _ARTIFACT_ROOT in os.environ:
        yield
        return
    # MLflow offers a client no parameter for this; the variable is what its own server sets.
    os.environ[_ARTIFACT_ROOT] = (path.parent / "mlartifacts").as_uri()
    try:
        yield
    finally:
        del os.environ[_ARTIFACT_ROOT]
