"""The client against a server that answers as Airflow does; against Airflow itself: test_stack.py."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from embedded.airflow_api import AirflowApi
from embedded.processes import StackError

ANSWER = "PATCH /api/v2/dags/nightly/dagRuns/night-1/taskInstances/approve/-1/hitlDetails"
ANSWERS: dict[str, tuple[int, object]] = {
    "POST /auth/token": (201, {"access_token": "secret"}),
    "GET /api/v2/monitor/health": (
        200,
        {
            "metadatabase": {"status": "healthy"},
            "scheduler": {"status": "healthy"},
            "dag_processor": {"status": None},
            "triggerer": None,
        },
    ),
    "POST /api/v2/pools": (409, {"detail": "exists"}),
    "GET /api/v2/dags/missing": (404, {"detail": "no such DAG"}),
    ANSWER: (409, {"detail": "was answered"}),
    "POST /api/v2/dags/nightly/dagRuns": (409, {"detail": "night-1 exists already"}),
}


class Handler(BaseHTTPRequestHandler):
    def answer(self) -> None:
        status, content = ANSWERS[f"{self.command} {self.path}"]
        if self.path.startswith("/api/v2/") and "health" not in self.path:
            status = status if self.headers["Authorization"] == "Bearer secret" else 401
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = answer  # noqa: N815  the names that http.server looks for

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def api() -> Iterator[AirflowApi]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield AirflowApi(f"http://127.0.0.1:{server.server_port}", "admin", "password")
        server.shutdown()


def test_a_component_without_a_healthy_status_is_unhealthy(api: AirflowApi) -> None:
    assert api.unhealthy() == ["dag_processor", "triggerer"]


def test_a_pool_that_is_there_already_is_fine(api: AirflowApi) -> None:
    api.make_pool("gpu", 1)


def test_a_dag_that_is_not_taken_up_yet_is_no_error(api: AirflowApi) -> None:
    assert api.knows("missing") is False


def test_a_refused_run_says_why(api: AirflowApi) -> None:
    with pytest.raises(StackError, match=r"POST /dags/nightly/dagRuns with 409.*night-1 exists already"):
        api.post_run("nightly", "night-1", datetime(2026, 3, 2, tzinfo=UTC))


def test_an_answer_that_comes_second_is_refused(api: AirflowApi) -> None:
    with pytest.raises(StackError, match=r"approve/-1/hitlDetails with 409.*was answered"):
        api.answer("nightly", "night-1", "approve", "Approve", "fine")


def test_while_nobody_answers_everything_is_unhealthy_and_calls_fail_clearly() -> None:
    nobody = AirflowApi("http://127.0.0.1:9", "admin", "password", token="secret")
    assert "api-server" in nobody.unhealthy()
    with pytest.raises(StackError, match=r"does not answer GET /dags/x.*logs/api-server\.log"):
        nobody.knows("x")
