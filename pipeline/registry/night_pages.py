"""What people open of the nights in MLflow: the report of each, and the index of all, under paths to link to."""

from __future__ import annotations

from pathlib import Path

from pipeline.credentials import without_login
from pipeline.registry.night_runs import NightRuns
from pipeline.registry.tracking_server import TrackingServer, asks_the_server

REPORT = "report/report.html"
INDEX = "report/nights.html"
INDEX_RUN = "nights"  # of all nights; no night has this name

# The experiment of nights that were refused or skipped before they had a run; no graph can have this name.
WITHOUT_A_RUN = ".reports"


SITE = ("http://", "https://")


class NightPages:
    """The report of each night, also of one that trained nothing, the index of all nights, and where to open them.

    A *place* is where a night's page is below MLflow's own pages, whatever address people reach these under.
    """

    def __init__(self, server: TrackingServer, runs: NightRuns) -> None:
        self.server, self._runs = server, runs

    @asks_the_server
    def keep(self, graph: str, run_name: str, page: Path, *, outcome: str) -> str:
        """Keep a night's page in its run, in place of an earlier one, and return the run's id.

        A night that ended before it had a run gets one in a separate experiment, so that it is not counted among the
        runs of the graph.
        """
        run_id = self._runs.find(graph, run_name) or self._apart(graph, run_name, outcome)
        self.server.artifacts(run_id).put_file(page, REPORT)
        return run_id

    @asks_the_server
    def keep_index(self, graph: str, page: Path) -> str:
        """Keep the index of all nights, in place of the one before, and return its run's id."""
        run_id = self.index_run(graph) or self._apart(graph, INDEX_RUN, "index")
        self.server.artifacts(run_id).put_file(page, INDEX)
        return run_id

    def index_run(self, graph: str) -> str | None:
        """Return the id of the run that holds a graph's index; None where none was made yet."""
        return self._runs.find(f"{graph}{WITHOUT_A_RUN}", INDEX_RUN)

    @asks_the_server
    def place_of(self, graph: str, run_name: str) -> str:
        """Return the place of a night's page; empty where it has none."""
        for experiment in (graph, f"{graph}{WITHOUT_A_RUN}"):
            run_id = self._runs.find(experiment, run_name)
            if run_id is not None and self.server.artifacts(run_id).has(REPORT):
                return self.place(run_id)
        return ""

    @asks_the_server
    def place(self, run_id: str) -> str:
        """Return the place of the page in a run."""
        return _below_the_site(self.server.run(run_id).info.experiment_id, run_id, REPORT)

    @staticmethod
    def at(place: str, pages: str) -> str:
        """Return the address of a place for people who reach MLflow at `pages`; empty where that is no site."""
        return f"{without_login(pages).rstrip('/')}/{place}" if place and pages.startswith(SITE) else ""

    @asks_the_server
    def address(self, run_id: str, pages: str, page: str = REPORT) -> str:
        """Return where a page is opened: on MLflow's own pages, or as a file beside a bare database."""
        info = self.server.run(run_id).info
        return self.at(_below_the_site(info.experiment_id, run_id, page), pages) or f"{info.artifact_uri}/{page}"

    def index_address(self, run_id: str, pages: str) -> str:
        """Return where the index is opened; it stays the same from night to night."""
        return self.address(run_id, pages, INDEX)

    def _apart(self, graph: str, run_name: str, outcome: str) -> str:
        run_id = self._runs.open(f"{graph}{WITHOUT_A_RUN}", run_name, run_key="", params={})
        self._runs.close(run_id, outcome)
        return run_id


def _below_the_site(experiment_id: str, run_id: str, page: str) -> str:
    return f"#/experiments/{experiment_id}/runs/{run_id}/artifactPath/{page}"
