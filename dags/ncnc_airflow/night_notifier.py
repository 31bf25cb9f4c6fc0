"""Tells a person what needs one after a night: by mail, by a webhook, or in the log."""

from __future__ import annotations

import base64
import json
from html import escape
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

from airflow.sdk import BaseHook, BaseNotifier
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException

if TYPE_CHECKING:
    from airflow.sdk import Connection, Context

CONNECTION = "ncnc_notify"
TOLD_OUTCOMES = ("failed", "refused", "unfinished")
LINKS = (("The night's report", "link"), ("All nights", "index_link"))
SECONDS = 30.0


class NightNotifier(BaseNotifier):
    """Send what needs a person to the connection `ncnc_notify`, as the task `report` found it.

    A connection of type smtp gets a mail (`to` and `from_email` stand in its extra), any other is the address of a
    webhook, which gets JSON with a field `text`. Where there is no such connection, the log has it. A night that
    needs nobody sends nothing. That nothing could be sent changes no state.
    """

    template_fields = ()

    def notify(self, context: Context) -> None:
        """Send one message, or none."""
        told = _told(context)
        if not told:
            return
        try:
            connection = BaseHook.get_connection(CONNECTION)
        except AirflowNotFoundException:
            self.log.warning("Nobody is told, for there is no connection %s: %s", CONNECTION, "\n".join(told))
            return
        try:
            _send(connection, told, context)
        except (OSError, AirflowException, ValueError) as error:
            # Without the error's text: it names the webhook's address, which is a secret.
            found = type(error).__name__
            self.log.error("%s was not reached (%s), and nobody is told: %s", CONNECTION, found, "\n".join(told))


def _told(context: Context) -> list[str]:
    """Return the lines that a person is told, the subject first: urgent needs, or how this night ended."""
    instance = context["ti"]

    def found(key: str) -> object:
        return instance.xcom_pull(task_ids=instance.task_id, key=key)

    run = f"run {context['dag_run'].run_id} of {instance.dag_id}"
    if (failure := context.get("exception")) is not None:
        reason = found("reason") or type(failure).__name__
        return [f"The night's report was not made, and what came of the night is not known ({run})", str(reason)]
    needs, outcome = found("needs"), found("outcome")
    urgent = [need for need in needs if need["urgent"]] if isinstance(needs, list) else []
    told = [line for need in urgent for line in (need["what"], f"{need['advice']} {need['command']}".rstrip())]
    if outcome in TOLD_OUTCOMES and not any(need["kind"] in TOLD_OUTCOMES for need in urgent):
        told = [f"A night ended {outcome} ({run})", *told]
    links = [f"{name}: {address}" for name, key in LINKS if (address := found(key))]
    return [*told, f"({run})", *links] if told else []


def _send(connection: Connection, told: list[str], context: Context) -> None:
    if connection.conn_type == "smtp":
        from airflow.providers.smtp.notifications.smtp import SmtpNotifier

        SmtpNotifier(
            smtp_conn_id=CONNECTION,
            to=[to.strip() for to in str(connection.extra_dejson.get("to", "")).split(",")],
            subject=" ".join(told[0].split())[:150],
            html_content="".join(f"<p>{escape(line)}</p>" for line in told),
        ).notify(context)
        return
    # Not Airflow's http client: its log, at the level of every task, would have the address.
    headers = {"Content-Type": "application/json", **(connection.extra_dejson.get("headers") or {})}
    if connection.login:
        login = f"{connection.login}:{connection.password or ''}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"
    body = json.dumps({"text": "\n".join(told)}).encode()
    with urlopen(Request(_address(connection), body, headers), timeout=SECONDS):  # noqa: S310 - its scheme is http(s)
        pass


def _address(connection: Connection) -> str:
    """Return the webhook's address, whether the connection was given as an address or in parts."""
    host, path = connection.host or "", connection.schema or ""
    scheme = path if path in ("http", "https") else connection.conn_type
    if not host.startswith(("http://", "https://")):
        host = f"{scheme if scheme in ('http', 'https') else 'https'}://{host}"
    port = f":{connection.port}" if connection.port else ""
    return f"{host}{port}" + (f"/{path}" if path not in ("", "http", "https") else "")
