"""The files of one embedded stack, all in one folder: .ncnc/<name>."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
STACKS = REPOSITORY / ".ncnc"


@dataclass(frozen=True)
class Layout:
    """The folders and files of one stack."""

    root: Path

    @classmethod
    def named(cls, name: str) -> Layout:
        """Return the layout of a stack in this checkout."""
        return cls(STACKS / name)

    @property
    def env(self) -> Path:
        """The stack's environment, for a shell in which you call `ncnc`."""
        return self.root / "env"

    @property
    def airflow(self) -> Path:
        """AIRFLOW_HOME: its configuration, its SQLite file, the logs of the tasks."""
        return self.root / "airflow"

    @property
    def mlflow(self) -> Path:
        """The tracking server's SQLite file and artifacts."""
        return self.root / "mlflow"

    @property
    def home(self) -> Path:
        """NCNC_HOME: run folders and caches of the one worker."""
        return self.root / "home"

    @property
    def recommendations(self) -> Path:
        """A folder for each batch of recommendations."""
        return self.home / "recommendations"

    @property
    def data_repository(self) -> Path:
        """The bare git repository that is the data repository's origin."""
        return self.root / "graph-data.git"

    @property
    def dvc_remote(self) -> Path:
        """The folder that the snapshots' bytes go to."""
        return self.root / "dvc-remote"

    @property
    def source(self) -> Path:
        """Where deliveries are expected."""
        return self.root / "source"

    @property
    def params(self) -> Path:
        """The parameters of the demo's present night."""
        return self.root / "params.yaml"

    @property
    def logs(self) -> Path:
        """What each component prints."""
        return self.root / "logs"

    @property
    def pids(self) -> Path:
        """One file per running component, with its process id."""
        return self.root / "pids"

    @property
    def passwords(self) -> Path:
        """The login of the Airflow pages, readable by the owner alone."""
        return self.airflow / "passwords.json"

    @property
    def settings(self) -> Path:
        """The settings of the last `up`, which the next `up` uses again."""
        return self.root / "settings.json"

    @property
    def lock(self) -> Path:
        """The lock of a process that starts, uses or stops the stack; outside the root, which the demo deletes."""
        return self.root.with_name(f"{self.root.name}.lock")
