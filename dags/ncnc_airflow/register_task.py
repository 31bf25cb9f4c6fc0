"""The operator of a night's last step: it announces each promotion once."""

from __future__ import annotations

import json

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from ncnc_airflow.served_version import PROMOTED_MODEL
from ncnc_airflow.step_task import StepTask


class RegisterTask(StepTask):
    """Run `ncnc register`, and send `promoted_model` for what it promoted.

    A run of the task that promotes nothing new, as when it is cleared, is skipped and sends nothing. What was sent is
    asked of Airflow, and not of the step: after a kill between the promotion and the event, the retry still sends it.
    """

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs, inlets=[PROMOTED_MODEL], outlets=[PROMOTED_MODEL])  # type: ignore[arg-type]

    def execute(self, context: Context) -> object:
        """Run the step and return the run's name.

        Raises:
            AirflowSkipException: the step had nothing to do, or its promotion was announced before.
        """
        run_name = super().execute(context)
        registered = json.loads(self.last_line)["sha256"]
        for event in context["inlet_events"][PROMOTED_MODEL]:
            if (event.extra or {}).get("registered") == registered:
                raise AirflowSkipException(
                    f"Nothing was promoted: run {run_name} was registered before, and promoted_model was sent on "
                    f"{event.timestamp:%Y-%m-%d %H:%M} UTC."
                )
        context["outlet_events"][PROMOTED_MODEL].extra = {"registered": registered, "run": str(run_name)}
        return run_name
