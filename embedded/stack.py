"""The stack: Airflow, MLflow and a data repository below .ncnc/, started and stopped as one."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from embedded.airflow_api import AirflowApi
from embedded.layout import REPOSITORY, Layout
from embedded.processes import Processes, StackError, alone
from embedded.settings import USER, Settings, free_port, make_password, password
from pipeline.errors import StepError
from pipeline.params.params import Params
from pipeline.terminal import Terminal, styled

DAG_ID = "nightly_retraining"
START_SECONDS = 240.0
POLL_SECONDS = 0.5
AIRFLOW_COMPONENTS = {
    "api-server": ("airflow", "api-server"),
    # The pages read the tasks' logs from the disk, so the log servers, with their fixed ports 8793 and 8794, stay out.
    "scheduler": ("airflow", "scheduler", "--skip-serve-logs"),
    "dag-processor": ("airflow", "dag-processor"),
    "triggerer": ("airflow", "triggerer", "--skip-serve-logs"),
}


@dataclass
class Stack:
    """One embedded stack: its folders, settings and processes."""

    layout: Layout
    settings: Settings
    console: Terminal

    def __post_init__(self) -> None:
        self.processes = Processes(self.layout)
        self.environment = self.settings.environment(self.layout)

    @property
    def api(self) -> AirflowApi:
        """A client of this stack's Airflow."""
        return AirflowApi(self.settings.airflow_url, USER, password(self.layout))

    def up(self) -> AirflowApi:
        """Start everything and return when it is healthy; processes of an earlier start are ended first.

        Raises:
            StackError: a component ended or did not become healthy; the message has its log.
        """
        if stale := self.processes.stop():
            self.console.print(f"ended {stale} processes of an earlier start")
        self.settings.write(self.layout)
        make_password(self.layout)
        for folder in (self.layout.mlflow, self.layout.home, self.layout.source):
            folder.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        self.processes.start("mlflow", self._mlflow(), self.environment)
        self._say("database", "making Airflow's database")
        self.processes.run("airflow-db", ("airflow", "db", "migrate"), self.environment)
        # MLflow started meanwhile. If its port is taken, this fails before anything of Airflow starts.
        self._wait("mlflow", self._mlflow_missing)
        for name, argv in AIRFLOW_COMPONENTS.items():
            self.processes.start(name, argv, self.environment)
        if not self.layout.data_repository.exists():
            self.processes.run("snapshots-init", ("ncnc", "snapshots", "init"), self.environment)
        api = self.api
        self._wait("Airflow", api.unhealthy)
        api.make_pool("gpu", 1)
        self._wait(f"DAG {DAG_ID}", lambda: [] if api.knows(DAG_ID) else ["dag-processor", *api.import_errors()])
        self._say("stack", f"up in {time.monotonic() - started:.0f} s")
        return api

    def down(self) -> int:
        """End everything and return how many processes there were."""
        return self.processes.stop()

    def _say(self, what: str, how: str) -> None:
        self.console.print(styled((f"{what}:", "dim"), f" {how}"))

    def _mlflow(self) -> list[str]:
        folder = self.layout.mlflow
        return [
            *("mlflow", "server", "--host", "127.0.0.1", "--port", str(self.settings.mlflow_port), "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
            *("--artifacts-destination", str(folder / "artifacts"), "--serve-artifacts"),
        ]

    def _mlflow_missing(self) -> list[str]:
        try:
            answer = httpx.get(f"{self.settings.mlflow_url}/health", timeout=5)
        except httpx.TransportError:
            return ["mlflow"]
        return [] if answer.is_success else ["mlflow"]

    def _wait(self, what: str, missing: Callable[[], list[str]]) -> None:
        """Wait until nothing is missing, saying what still is."""
        deadline = time.monotonic() + START_SECONDS
        said: list[str] = []
        while waiting := missing():
            self.processes.check()
            if waiting != said:
                self._say(what, f"waiting for {', '.join(waiting)}")
                said = waiting
            if time.monotonic() > deadline:
                name = waiting[0].replace("_", "-")
                raise self.processes.failure(name, f"was not ready in {START_SECONDS:.0f} s ({', '.join(waiting)})")
            time.sleep(POLL_SECONDS)


def nightly_settings(layout: Layout, params: Path) -> Settings:
    """Return the settings of a stack for your own graph: the DAG's schedule, and deliveries from the environment."""
    return Settings(
        graph=Params.load(params).snapshot.graph,
        params=str(params.absolute()),
        schedule=None,
        source_edges=os.environ.get("NCNC_SOURCE_EDGES") or str(layout.source / "edges-{date}.parquet"),
        source_nodes=os.environ.get("NCNC_SOURCE_NODES"),
        airflow_port=free_port(8080),
        mlflow_port=free_port(5000),
        approval=os.environ.get("NCNC_APPROVAL", "automatic"),
    )


def up(layout: Layout, console: Terminal) -> None:
    """Start a stack and leave it running; the stack of `make demo` keeps the demo's settings."""
    earlier = Settings.read(layout)
    Processes(layout).stop()  # first, so that its ports are free again
    if earlier is None or earlier.schedule is None:  # one's own graph: as the environment says now
        settings = nightly_settings(layout, Path(os.environ.get("NCNC_PARAMS", REPOSITORY / "params.yaml")))
    else:
        settings = replace(
            earlier, airflow_port=free_port(earlier.airflow_port), mlflow_port=free_port(earlier.mlflow_port)
        )
    stack = Stack(layout, settings, console)
    try:
        stack.up()
    except BaseException:
        stack.down()
        raise
    console.print(f"Airflow  {settings.airflow_url}   login {USER}, password {password(layout)}")
    console.print(f"MLflow   {settings.mlflow_url}")
    console.print(f"logs     {layout.logs}")
    if settings.schedule is None:
        console.print(
            f"The DAG is paused: unpause it on its page, which runs the last missed night at once. It reads deliveries "
            f"from {settings.source_edges}."
        )
    console.print(f"ncnc     set -a; . {layout.env}; set +a   then: .venv/bin/ncnc status")
    console.print("stop it with: make down")


def main(argv: list[str] | None = None) -> int:
    """Run `python -m embedded.stack up|down`."""
    parser = argparse.ArgumentParser(prog="python -m embedded.stack", description=__doc__)
    parser.add_argument("verb", choices=("up", "down"))
    parser.add_argument("--name", default="demo", help="which stack below .ncnc/ (default: the one of make demo)")
    arguments = parser.parse_args(argv)
    layout, console = Layout.named(arguments.name), Terminal(stderr=True, soft_wrap=True)
    try:
        with alone(layout):
            if arguments.verb == "up":
                up(layout, console)
            else:
                console.print(f"{layout.root.name}: {Processes(layout).stop()} processes ended, none is left")
    except (StackError, StepError) as error:
        console.print(styled((f"{arguments.verb} failed:", "red"), f" {error}"))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
