"""The settings of an embedded stack (ports, schedule, parameters), and the environment made from them."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import socket
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from embedded.layout import REPOSITORY, Layout
from embedded.processes import StackError

USER = "admin"
# Variables of your own Airflow or MLflow must not reach the stack.
FOREIGN = ("AIRFLOW", "MLFLOW", "_AIRFLOW", "NCNC_", "DVC_")


@dataclass(frozen=True)
class Settings:
    """The choices of one stack; kept in its folder, so that `make up` after `make demo` shows the demo's nights."""

    graph: str
    params: str
    schedule: str | None
    source_edges: str
    source_nodes: str | None
    airflow_port: int
    mlflow_port: int
    approval: str = "automatic"  # or "person": who lets a challenger that passed the gate become champion

    def write(self, layout: Layout) -> None:
        """Keep the settings in the stack's folder."""
        layout.root.mkdir(parents=True, exist_ok=True)
        layout.settings.write_text(json.dumps(asdict(self), indent=2) + "\n")
        places = "".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(self._ncnc(layout).items()))
        layout.env.write_text(f"# Where this stack keeps things, for a shell: set -a; . {layout.env}; set +a\n{places}")

    @classmethod
    def read(cls, layout: Layout) -> Settings | None:
        """Return the settings of an earlier start, or None."""
        return cls(**json.loads(layout.settings.read_text())) if layout.settings.is_file() else None

    @property
    def airflow_url(self) -> str:
        """The Airflow pages and API."""
        return f"http://127.0.0.1:{self.airflow_port}"

    @property
    def mlflow_url(self) -> str:
        """The MLflow pages and API."""
        return f"http://127.0.0.1:{self.mlflow_port}"

    def environment(self, layout: Layout) -> dict[str, str]:
        """Return the environment of every process of the stack."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
        kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}"
        return kept | self._airflow(layout) | self._ncnc(layout) | SILENCE

    def _ncnc(self, layout: Layout) -> dict[str, str]:
        nodes = {"NCNC_SOURCE_NODES": self.source_nodes} if self.source_nodes else {}
        # Without a schedule it is a demo, which plays nights of its own time.
        played = {"NCNC_SIMULATED_TIME": "1"} if self.schedule == "none" else {}
        return (
            nodes
            | played
            | {
                "NCNC_HOME": str(layout.home),
                "NCNC_DATA_REPOSITORY": str(layout.data_repository),
                "NCNC_DVC_REMOTE": str(layout.dvc_remote),
                "NCNC_SOURCE_EDGES": self.source_edges,
                "NCNC_PARAMS": self.params,
                "NCNC_GRAPH": self.graph,
                "MLFLOW_TRACKING_URI": self.mlflow_url,
            }
        )

    def _airflow(self, layout: Layout) -> dict[str, str]:
        # A new DAG with a schedule would run at once, so a nightly stack starts with it paused.
        schedule = {"NCNC_SCHEDULE": self.schedule} if self.schedule else {}
        return schedule | {
            "NCNC_APPROVAL": self.approval,
            "AIRFLOW_HOME": str(layout.airflow),
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": str(self.schedule is None),
            "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.airflow_url}/execution/",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "4",  # the default forks 32 idle workers
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(layout.passwords),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "AIRFLOW__API__BASE_URL": self.airflow_url,
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.airflow_port),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",  # the default takes 5 minutes to see a new file
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{layout.airflow / 'airflow.db'}",
            # The default of 5 s makes tasks fail on a busy machine.
            "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "30",
        }


SILENCE = {
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # eight more processes that serve nothing here
    "NO_COLOR": "1",
    "PYTHONUNBUFFERED": "1",
    # Airflow sets process titles, which by default overwrites the environment that the stack's mark is read from.
    "SPT_NOENV": "1",
}


def free_port(preferred: int | None = None) -> int:
    """Return the preferred port if nobody listens there, else a free one."""
    for port in (preferred or 0, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StackError("There is no free port on 127.0.0.1. End a program that listens there.")


def make_password(layout: Layout) -> None:
    """Create the login of the Airflow pages; Airflow itself would leave the file readable by everyone."""
    if layout.passwords.is_file():
        return
    layout.airflow.mkdir(parents=True, exist_ok=True)
    handle = os.open(layout.passwords, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump({USER: secrets.token_urlsafe(12)}, file)


def password(layout: Layout) -> str:
    """Return the password of the Airflow pages."""
    return str(json.loads(layout.passwords.read_text())[USER])
