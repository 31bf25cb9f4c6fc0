"""A client of Airflow's REST API with the calls that the stack and the demo need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from embedded.processes import StackError

TIMEOUT_SECONDS = 60.0  # an api-server of one worker answers late while the machine trains
HEALTHY = ("metadatabase", "scheduler", "dag_processor", "triggerer")


@dataclass
class AirflowApi:
    """A logged-in client of one Airflow."""

    url: str
    user: str
    password: str
    token: str | None = None

    def unhealthy(self) -> list[str]:
        """Return the components that are not healthy yet; all of them while there is no answer."""
        try:
            answer = httpx.get(f"{self.url}/api/v2/monitor/health", timeout=5)
        except httpx.TransportError:
            return ["api-server", *HEALTHY[1:]]
        if answer.status_code != httpx.codes.OK:
            return ["api-server", *HEALTHY[1:]]
        content = answer.json()
        return [name for name in HEALTHY if (content.get(name) or {}).get("status") != "healthy"]

    def make_pool(self, name: str, slots: int) -> None:
        """Make a pool; an existing one stays as it is."""
        body = {"name": name, "slots": slots, "description": "Tasks that need the accelerator"}
        self._call("POST", "/pools", json=body, fine=(httpx.codes.CONFLICT,))

    def knows(self, dag_id: str) -> bool:
        """Return whether the DAG processor has read a DAG."""
        return self._call("GET", f"/dags/{dag_id}", fine=(httpx.codes.NOT_FOUND,)).status_code == httpx.codes.OK

    def import_errors(self) -> list[str]:
        """Return why DAG files could not be loaded."""
        errors = self._call("GET", "/importErrors").json()["import_errors"]
        return [f"{item['filename']}: {item['stack_trace'].splitlines()[-1]}" for item in errors]

    def post_run(
        self, dag_id: str, run_id: str, logical_date: datetime | None, conf: Mapping[str, object] | None = None
    ) -> None:
        """Ask for a run, with the values of its form where it has one."""
        date = None if logical_date is None else logical_date.isoformat()
        body = {"dag_run_id": run_id, "logical_date": date, "conf": dict(conf or {})}
        self._call("POST", f"/dags/{dag_id}/dagRuns", json=body)

    def answer(self, dag_id: str, run_id: str, task_id: str, choice: str, reason: str) -> None:
        """Answer a task that waits for a person, as its form under *Required Actions* does."""
        task = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/-1"
        body = {"chosen_options": [choice], "params_input": {"reason": reason}}
        self._call("PATCH", f"{task}/hitlDetails", json=body)

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return a run's state."""
        return str(self._call("GET", f"/dags/{dag_id}/dagRuns/{run_id}").json()["state"])

    def run_states(self, dag_id: str) -> dict[str, str]:
        """Return the state of every run of a DAG."""
        items = self._call("GET", f"/dags/{dag_id}/dagRuns?limit=100").json()["dag_runs"]
        return {item["dag_run_id"]: item["state"] for item in items}

    def task_states(self, dag_id: str, run_id: str) -> dict[str, str]:
        """Return the state of each task of a run; of a mapped or unscheduled one, `waiting`."""
        items = self._call("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances").json()["task_instances"]
        return {item["task_id"]: item["state"] or "waiting" for item in items}

    def runs(self, dag_id: str) -> dict[str, datetime]:
        """Return every run of a DAG with its logical date."""
        items = self._call("GET", f"/dags/{dag_id}/dagRuns?limit=100").json()["dag_runs"]
        return {item["dag_run_id"]: datetime.fromisoformat(item["logical_date"]) for item in items}

    def _call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,  # Any: whatever the endpoint takes
        fine: tuple[int, ...] = (),
    ) -> httpx.Response:
        if self.token is None:
            self.token = self._log_in()
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            answer = httpx.request(
                method, f"{self.url}/api/v2{path}", json=json, headers=headers, timeout=TIMEOUT_SECONDS
            )
        except httpx.TransportError as error:
            raise StackError(f"Airflow does not answer {method} {path}: {error}. See logs/api-server.log.") from error
        if answer.is_success or answer.status_code in fine:
            return answer
        raise StackError(f"Airflow refused {method} {path} with {answer.status_code}: {answer.text[:500]}")

    def _log_in(self) -> str:
        body = {"username": self.user, "password": self.password}
        answer = httpx.post(f"{self.url}/auth/token", json=body, timeout=TIMEOUT_SECONDS)
        if not answer.is_success:
            raise StackError(f"Airflow refused the login of {self.user}: {answer.status_code} {answer.text[:200]}")
        return str(answer.json()["access_token"])
