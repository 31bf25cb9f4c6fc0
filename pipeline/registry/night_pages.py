"""What people open of a night in MLflow: its report, under a path that a link can be made of."""

from __future__ import annotations

from pathlib import Path

from pipeline.credentials import without_login
from pipeline.registry.night_runs import NightRuns
from pipeline.registry.tracking_server import TrackingServer, asks_the_server

REPORT = "report/report.html"

# The experiment of nights that were refused or skipped before they had a run; no graph can have this name.
WITHOUT_A_RUN = ".reports"


class NightPages:
    """The report of each night, also of one that trained nothing, and where to open it."""

    def __init__(self, server: TrackingServer, runs: NightRuns) -> None:
        self.server, self._runs = server, runs

    @asks_the_server
    def keep(self, graph: str, run_name: str, page: Path, *, outcome: str) -> str:
        """Keep a night's page in its run, in place of an earlier one, and return the run's id.

        A night that ended before it had a run gets one in a separate experiment, so that it is not counted among the
        runs of the graph.
        """
        run_id = self._runs.find(graph, run_name)
        if run_id is None:
            run_id = self._runs.open(f"{graph}{WITHOUT_A_RUN}", run_name, run_key="", params={})
            self._runs.close(run_id, outcome)
        self.server.artifacts(run_id).put_file(page, REPORT)
        return run_id

    @asks_the_server
    def address(self, run_id: str, pages: str) -> str:
        """Return where a night's page is opened: on MLflow's own pages, or as a file beside a bare database."""
        info = self.server.run(run_id).info
        if not pages.startswith(("http://", "https://")):
            return f"{info.artifact_uri}/{REPORT}"
        site = without_login(pages).rstrip("/")
        return f"{site}/#/experiments/{info.experiment_id}/runs/{run_id}/artifactPath/{REPORT}"
