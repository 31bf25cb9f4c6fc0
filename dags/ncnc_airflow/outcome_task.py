"""The operator that gives a run the colour of its night."""

from __future__ import annotations

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException

# A night that is over and came to no decision. What a step refused is red by that step.
WITHOUT_A_DECISION = ("failed", "awaiting", "unfinished")


class OutcomeTask(BaseOperator):
    """Fail where the night came to no decision, by the outcome that the task `report` found in the ledger.

    A run that a person marks as failed has only skipped tasks, which Airflow takes for success.
    """

    ui_color = "#f0e8e0"

    def execute(self, context: Context) -> None:
        """Look at the outcome; without a report there is none, and the tasks alone decide.

        Raises:
            AirflowFailException: the night came to no decision.
        """
        outcome = context["ti"].xcom_pull(task_ids="report", key="outcome")
        if outcome in WITHOUT_A_DECISION:
            raise AirflowFailException(f"The night is over, and came to no decision: {outcome}. Its report says why.")
        self.log.info("The night's outcome: %s", outcome or "unknown, for there is no report")
