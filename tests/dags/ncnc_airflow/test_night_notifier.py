"""Messages to receivers on this machine, by Airflow's own connections and its own mail."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from ncnc_airflow.night_notifier import NightNotifier

from tests.fixtures.receivers import Mails, Posts, running

VARIABLE = "AIRFLOW_CONN_NCNC_NOTIFY"
REFUSED = {
    "kind": "refused", "what": "The night of 2026-01-01 03:00 was refused: <b>half</b> a file", "urgent": True,
    "advice": "The reason names the remedy.", "command": "", "night": "demo-1",
}  # fmt: skip
BELOW = REFUSED | {"kind": "below floor", "what": "Champion version 3 is below the floor: MRR 0.300"}
PINNED = REFUSED | {"kind": "stopped", "what": "Version 3 is pinned.", "urgent": False}
LINKS = {"link": "http://x/report", "index_link": "http://x/nights"}


def after(said: dict[str, Any], **context: object) -> Any:
    """Return the context of the task `report` after a night of which it said this."""
    instance = SimpleNamespace(
        task_id="report", dag_id="nightly_retraining", xcom_pull=lambda task_ids, key: said.get(key)
    )
    return {"ti": instance, "dag_run": SimpleNamespace(run_id="scheduled__2026"), **context}


def posted(monkeypatch: pytest.MonkeyPatch, context: Any, *, status: int = 200) -> list[Any]:
    """Let the notifier send to a webhook, and return what came."""
    server = Posts(status)
    with running(server) as port:
        monkeypatch.setenv(VARIABLE, f"http://127.0.0.1:{port}/services/T0/secret")
        NightNotifier().notify(context)
    return server.received


def test_a_refused_night_reaches_a_webhook_with_reason_remedy_and_links(monkeypatch: pytest.MonkeyPatch) -> None:
    [(path, _, body)] = posted(monkeypatch, after({"outcome": "refused", "needs": [REFUSED]} | LINKS))
    assert path == "/services/T0/secret"
    assert body["text"].splitlines() == [
        "The night of 2026-01-01 03:00 was refused: <b>half</b> a file",
        "The reason names the remedy.",
        "(run scheduled__2026 of nightly_retraining)",
        "The night's report: http://x/report",
        "All nights: http://x/nights",
    ]


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ({"outcome": "kept", "needs": [BELOW]}, "Champion version 3 is below the floor: MRR 0.300"),
        ({"outcome": "failed", "needs": []}, "A night ended failed (run scheduled__2026 of "),
        (
            {"outcome": "refused", "needs": [PINNED]},
            "A night ended refused (run scheduled__2026 of nightly_retraining)",
        ),
    ],
)
def test_what_cannot_wait_is_told(monkeypatch: pytest.MonkeyPatch, said: dict[str, Any], first: str) -> None:
    [(_, _, body)] = posted(monkeypatch, after(said))
    assert body["text"].splitlines()[0].startswith(first)


@pytest.mark.parametrize("said", [{"outcome": "kept", "needs": []}, {"outcome": "promoted", "needs": [PINNED]}, {}])
def test_a_night_that_needs_nobody_sends_nothing(monkeypatch: pytest.MonkeyPatch, said: dict[str, Any]) -> None:
    assert posted(monkeypatch, after(said)) == []


def test_a_report_that_was_not_made_is_told_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    context = after({"reason": "report: MLflow gives no answer"}, exception=RuntimeError("x"))
    [(_, _, body)] = posted(monkeypatch, context)
    assert body["text"].splitlines()[1] == "report: MLflow gives no answer"


def test_a_connection_given_in_parts_sends_its_login_and_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Posts(200)
    with running(server) as port:
        parts = {"conn_type": "http", "host": "127.0.0.1", "port": port, "schema": "http", "login": "me",
                 "password": "pass", "extra": {"headers": {"X-Room": "nights"}}}  # fmt: skip
        monkeypatch.setenv(VARIABLE, json.dumps(parts))
        NightNotifier().notify(after({"outcome": "failed"}))
    [(path, headers, _)] = server.received
    assert (path, headers["Authorization"], headers["X-Room"]) == ("/", "Basic bWU6cGFzcw==", "nights")


def test_a_mail_is_sent_by_airflows_own_notifier(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Mails()
    with running(server) as port:
        extra = {"from_email": "ncnc@example.com", "to": "ann@example.com, bob@example.com", "disable_tls": True,
                 "disable_ssl": True}  # fmt: skip
        parts = {"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": extra}
        monkeypatch.setenv(VARIABLE, json.dumps(parts))
        NightNotifier().notify(after({"outcome": "refused", "needs": [REFUSED]} | LINKS))
    [(recipients, mail)] = server.received
    assert recipients == ["ann@example.com", "bob@example.com"]
    assert mail["Subject"] == "The night of 2026-01-01 03:00 was refused: <b>half</b> a file"
    body = mail.get_body(("html",))
    assert body is not None
    assert "<p>The night of 2026-01-01 03:00 was refused: &lt;b&gt;half&lt;/b&gt; a file</p>" in body.get_content()
    assert "http://x/nights" in body.get_content()


def test_an_address_of_a_webhook_is_in_no_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    posted(monkeypatch, after({"outcome": "failed"}))
    assert "secret" not in caplog.text + "".join(capsys.readouterr())


@pytest.mark.parametrize("status", [200, 500])
def test_a_webhook_that_is_gone_or_fails_is_an_error_in_the_log_that_names_no_address(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    context = after({"outcome": "refused", "needs": [REFUSED]})
    if status == 500:
        posted(monkeypatch, context, status=status)
    else:
        monkeypatch.setenv(VARIABLE, "http://127.0.0.1:9/services/T0/secret")
        NightNotifier().notify(context)
    logged = "".join(capsys.readouterr())  # Airflow's log
    assert "ncnc_notify was not reached" in logged
    assert "half</b> a file" in logged
    assert "secret" not in logged


def test_without_a_connection_the_log_has_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for value in (None, ""):  # compose files set it to nothing
        monkeypatch.delenv(VARIABLE, raising=False)
        if value is not None:
            monkeypatch.setenv(VARIABLE, value)
        NightNotifier().notify(after({"outcome": "refused", "needs": [REFUSED]}))
        assert (
            "Nobody is told, for there is no connection ncnc_notify: The night of 2026-01-01" in capsys.readouterr().out
        )
