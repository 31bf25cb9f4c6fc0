"""A bare SQLite database of MLflow: its tables are all there, or it is not there yet."""

from __future__ import annotations

import fcntl
from pathlib import Path

from mlflow.tracking import MlflowClient

from ncnc_core.whole_file import whole_file

SCHEME = "sqlite:///"


def database_path(tracking_uri: str) -> Path | None:
    """Return the file of a bare database; None for a server."""
    return Path(tracking_uri.removeprefix(SCHEME)).absolute() if tracking_uri.startswith(SCHEME) else None


def make_tables(path: Path) -> None:
    """Make a database with MLflow's tables where there is none, once, however many ask at the same time.

    MLflow makes the tables one by one in the file that it is given. If that is interrupted, MLflow can neither go on
    nor begin anew, and of two processes that both make them, one fails. So they are made in a file beside it.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until the file is closed, also by a kill
        if not path.exists():
            with whole_file(path) as staged:
                staged_uri = f"{SCHEME}{staged}"
                MlflowClient(tracking_uri=staged_uri, registry_uri=staged_uri).search_experiments(max_results=1)
