"""Environment variables: where things live. What changes the model is in params.yaml, never here."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import InvalidInput


@dataclass(frozen=True)
class Environment:
    """The places a step may need; each is asked for by name, so that a missing one says what to set."""

    values: Mapping[str, str]

    @classmethod
    def of_process(cls) -> Environment:
        """Return the environment of this process."""
        return cls(dict(os.environ))

    @property
    def home(self) -> Path:
        """The local cache: run folders, DVC cache, staging. Safe to delete when no step runs."""
        return Path(self.values.get("NCNC_HOME") or ".ncnc").absolute()

    @property
    def data_repository(self) -> str:
        """The git URL of the data repository's origin."""
        return self._required("NCNC_DATA_REPOSITORY", "the git URL of the data repository (see ncnc snapshots init)")

    @property
    def dvc_remote(self) -> str:
        """The URL of the DVC remote a new data repository is given."""
        return self._required("NCNC_DVC_REMOTE", "a folder or an s3:// URL that the snapshots' bytes go to")

    @property
    def source_edges(self) -> str:
        """The edge table's path; {date} stands for the as-of date, {as_of} for the compact time."""
        return self._required("NCNC_SOURCE_EDGES", "the edge table, for example data/edges-{date}.parquet")

    @property
    def source_nodes(self) -> str | None:
        """The node table's path, where there is one."""
        return self.values.get("NCNC_SOURCE_NODES") or None

    @property
    def source_split(self) -> str:
        """The folder or URL of a fixed split's files; read only where split.method is fixed."""
        return self._required("NCNC_SOURCE_SPLIT", "the folder or URL with the files train, valid and test")

    @property
    def tuning_storage(self) -> str | None:
        """A database that searches are kept in, where several machines share one; else the run folder keeps them."""
        return self.values.get("NCNC_TUNE_STORAGE") or None

    @property
    def tracking_uri(self) -> str:
        """Where MLflow tracks and registers."""
        return self._required("MLFLOW_TRACKING_URI", "the MLflow server, for example http://localhost:5000")

    @property
    def git_commit(self) -> str | None:
        """The commit that an image was built from; a checkout knows its own."""
        return self.values.get("NCNC_GIT_COMMIT") or None

    @property
    def mlflow_pages(self) -> str:
        """Where people open MLflow's pages, where that is not where this machine reaches the server."""
        return self.values.get("NCNC_MLFLOW_PAGES") or self.tracking_uri

    @property
    def simulated_time(self) -> bool:
        """Whether nights may lie after the present, as those of a demo or a benchmark may."""
        return self.values.get("NCNC_SIMULATED_TIME") == "1"

    def _required(self, name: str, meaning: str) -> str:
        value = self.values.get(name)
        if not value:
            raise InvalidInput(f"{name} is not set. Set it to {meaning}; .env.example lists every variable.")
        return value


SWITCHES = {
    # No usage reports.
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # It prints where this machine reaches the server, an address that a person often cannot open.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # A server that is down is reported after about 10 s; Airflow's retries are the patient ones.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # Else a uv.lock in the caller's working directory would end up in the model.
    "MLFLOW_UV_AUTO_DETECT": "false",
    # OpenMP's threads spin while they wait, by default 300,000 times. Where other programs have the cores, the spinning
    # keeps the thread that is waited for from running. Not at all, and a second thread costs time (docs/scale.md).
    "GOMP_SPINCOUNT": "1000",
    # Else processes that torch's launcher starts again read, in a store that lives on, where the dead ones listened:
    # the second start hung (github.com/pytorch/pytorch/issues/135712).
    "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",
    # Torch asks for large pages. In small ones, giving a step's tensors their memory is two fifths of its work on a
    # graph of a million nodes (docs/scale.md).
    "THP_MEM_ALLOC_ENABLE": "1",
}


def set_switches() -> None:
    """Set the switches that the environment does not set already."""
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)


def whoami() -> str:
    """Return who acts, as entries name them: user@machine."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
