"""The operator of a step that changes which version serves: it announces each such change once."""

from __future__ import annotations

import json

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from ncnc_airflow.served_version import SERVED_VERSION
from ncnc_airflow.step_task import StepTask


class RefreshTask(StepTask):
    """Run `ncnc refresh` or `ncnc rollback`, and send `served_version` for the version that serves then.

    The event before it is asked of Airflow, and not of the step: after a kill between the step and the event, the retry
    still sends it. So the version is also announced where the step had nothing to do, as after `ncnc promote` by hand.
    What was announced last is not announced again.
    """

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs, inlets=[SERVED_VERSION], outlets=[SERVED_VERSION])  # type: ignore[arg-type]

    def execute(self, context: Context) -> object:
        """Run the step and return the run's name.

        Raises:
            AirflowSkipException: what serves was announced before, or nothing serves.
        """
        answer: object = ""
        reason = ""
        try:
            answer = super().execute(context)
        except AirflowSkipException as nothing:
            reason = str(nothing)
        served = _served(self.last_line)
        if served is None or _last_announced(context) == served:
            raise AirflowSkipException(reason or f"{served} serves, and was announced before: nothing is new.")
        context["outlet_events"][SERVED_VERSION].extra = {"served": served, "by": self.step}
        return answer


def _served(last_line: str) -> str | None:
    """Return what serves as NAME@version, by the step's line: that of a night names its run, the others their graph."""
    try:
        line = json.loads(last_line)
    except ValueError:
        return None
    graph = line.get("graph") or str(line.get("run")).rpartition("-")[0]
    return None if line.get("served") is None else f"{graph}@{line['served']}"


def _last_announced(context: Context) -> str | None:
    events = list(context["inlet_events"][SERVED_VERSION])
    return str((events[-1].extra or {}).get("served")) if events else None
