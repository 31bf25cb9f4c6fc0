"""An archive unpacked into another place: what an earlier version left, for this one to work on."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from unittest import mock

ARCHIVES = Path(__file__).parent
# Where MLflow's database says that files lie. Nothing else in it names a place that is looked at.
LOCATIONS = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}


@dataclass(frozen=True)
class OpenedArchive:
    """A data repository with its DVC remote, MLflow's store and a home, as an earlier version left them."""

    root: Path
    manifest: dict[str, Any]

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead commands here."""
        deliveries, nodes = self.root / "deliveries", "nodes-{date}.csv"
        has_nodes = any(deliveries.glob(nodes.format(date="*")))
        return {
            "NCNC_HOME": str(self.root / "home"),
            "NCNC_DATA_REPOSITORY": str(self.root / "graph-data.git"),
            "NCNC_DVC_REMOTE": str(self.root / "dvc"),
            "NCNC_SOURCE_EDGES": str(deliveries / "edges-{date}.csv"),
            **({"NCNC_SOURCE_NODES": str(deliveries / nodes)} if has_nodes else {}),
            "NCNC_PARAMS": str(self.root / "params.yaml"),
            "NCNC_LOG_LEVEL": "WARNING",
            "MLFLOW_TRACKING_URI": f"sqlite:///{self.root / 'mlflow' / 'mlflow.db'}",
        }

    def run_dir(self, run_name: str) -> Path:
        """The run folder of a night."""
        return self.root / "home" / "runs" / run_name

    def run(self, *argv: str) -> tuple[int, list[dict[str, Any]]]:
        """Run a command in this process; return its exit code and its lines of JSON."""
        [command] = entry_points(group="console_scripts", name="ncnc")
        main, out = command.load(), io.StringIO()
        with (
            mock.patch.dict(os.environ, self.environment),
            mock.patch.object(sys, "argv", ["ncnc", *argv]),
            redirect_stdout(out),
        ):
            try:
                main()
                code = 0
            except SystemExit as end:
                code = int(end.code or 0)
        return code, [json.loads(line) for line in out.getvalue().splitlines() if line.startswith("{")]

    def ncnc(self, *argv: str) -> dict[str, Any]:
        """Run a command that must end well; return its last line."""
        code, lines = self.run(*argv)
        assert code == 0, f"ncnc {' '.join(argv)} ended with {code}"
        return lines[-1]


def opened_archive(name: str, folder: Path) -> OpenedArchive:
    """Unpack tests/archives/NAME.tar.xz and tell DVC and MLflow where their files lie now; no record is changed."""
    with tarfile.open(ARCHIVES / f"{name}.tar.xz") as packed:
        packed.extractall(folder, filter="data")
    manifest = json.loads((folder / "manifest.json").read_text())
    _move_dvc_remote(folder / "graph-data.git", manifest["written_at"], str(folder))
    _move_artifacts(folder / "mlflow" / "mlflow.db", manifest["written_at"], str(folder))
    return OpenedArchive(folder, manifest)


def _move_dvc_remote(repository: Path, before: str, now: str) -> None:
    """Write every commit anew with another .dvc/config: each tag has one, and it names the DVC remote by its path."""

    def git(*arguments: str, stdin: bytes | None = None) -> bytes:
        command = ["git", "-C", str(repository), *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, check=True).stdout

    old = git("show", "main:.dvc/config")
    new = old.replace(before.encode(), now.encode())
    assert new != old
    history = git("fast-export", "--all")
    moved = history.replace(b"data %d\n%b" % (len(old), old), b"data %d\n%b" % (len(new), new))
    git("fast-import", "--quiet", "--force", stdin=moved)


def _move_artifacts(database: Path, before: str, now: str) -> None:
    connection = sqlite3.connect(database)
    for table, columns in LOCATIONS.items():
        for column in columns:
            connection.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (before, now))
    connection.commit()
    connection.close()
