"""A search in MLflow: one run for the search, and a nested one for each of its trials."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from mlflow.entities import Metric, Param

from pipeline.registry.mlflow_names import mlflow_key, mlflow_value
from pipeline.registry.night_runs import NightRuns
from pipeline.registry.tracking_server import TrackingServer, asks_the_server

PARENT_TAG = "mlflow.parentRunId"  # by which MLflow's pages show a run below another


class TuningRuns:
    """The runs of searches, in the graph's experiment beside its nights."""

    def __init__(self, server: TrackingServer, runs: NightRuns) -> None:
        self.server, self._runs = server, runs

    @asks_the_server
    def open_search(self, graph: str, study: str, run_name: str) -> str:
        """Return the id of a search's run, opened if there is none yet."""
        experiment = self._runs.experiment(graph)
        found = self.server.runs(experiment, f"tags.`ncnc.study` = '{study}'")
        searches = [run for run in found if PARENT_TAG not in run.data.tags]
        if searches:
            run_id = str(min(searches, key=lambda run: (run.info.start_time, run.info.run_id)).info.run_id)
            self.server.client.update_run(run_id, status="RUNNING")
            return run_id
        tags = {"ncnc.study": study, "ncnc.tuned_run": run_name}
        return str(self.server.client.create_run(experiment, tags=tags, run_name=f"tune {run_name}").info.run_id)

    @asks_the_server
    def log_trial(
        self,
        graph: str,
        search: str,
        study: str,
        number: int,
        *,
        params: Mapping[str, object],
        history: Sequence[tuple[int, float]],
        outcome: str,
    ) -> None:
        """Enter an ended trial as a run below the search's, with its validation curve; once for each number."""
        experiment, name = self._runs.experiment(graph), f"trial {number}"
        query = f"tags.`ncnc.study` = '{study}' and tags.`ncnc.trial` = '{number}'"
        for run in tuple(self.server.runs(experiment, query)):
            self.server.client.delete_run(run.info.run_id)  # a kill came between this entry and the study's own
        tags = {PARENT_TAG: search, "ncnc.study": study, "ncnc.trial": str(number), "ncnc.outcome": outcome}
        run_id = self.server.client.create_run(experiment, tags=tags, run_name=name).info.run_id
        now = int(time.time() * 1000)
        metrics = [Metric("valid", value, now, epoch) for epoch, value in history]
        entries = [Param(mlflow_key(key), mlflow_value(str(value))) for key, value in params.items()]
        self.server.client.log_batch(run_id, metrics=metrics, params=entries)
        self.server.client.set_terminated(run_id, "FAILED" if outcome == "refused" else "FINISHED")

    @asks_the_server
    def entered_trials(self, graph: str, study: str) -> set[int]:
        """Return the numbers of a study's trials that have a run."""
        runs = self.server.runs(self._runs.experiment(graph), f"tags.`ncnc.study` = '{study}'")
        return {int(run.data.tags["ncnc.trial"]) for run in runs if "ncnc.trial" in run.data.tags}

    @asks_the_server
    def close_search(self, search: str, *, best: float | None, trials: int) -> None:
        """End a search's run with what it has found so far."""
        self._runs.log_metrics(search, {"trials": trials, **({} if best is None else {"best_valid": best})})
        self.server.client.set_terminated(search, "FINISHED")
