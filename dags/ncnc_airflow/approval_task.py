"""Airflow's approval operator, changed so that a rejection is passed on too, and the form names its deadline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Context


class ApprovalTask(ApprovalOperator):
    """Wait for Approve or Reject, and pass the answer on by XCom: the choice, the person and the time.

    Airflow's own operator skips the next task after a rejection and pushes no answer, so the ledger could not name who
    rejected the night. Here the next step always runs: it enters a rejection, and then ends as skipped.
    """

    def execute(self, context: Context) -> Any:  # Any: as Airflow's operator declares it
        """Ask, with the time until which an answer counts at the end of the form."""
        if self.response_timeout is not None:
            until = datetime.now(UTC) + self.response_timeout
            self.body = f"{(self.body or '').rstrip()}\n\n**Answer by {until:%Y-%m-%d %H:%M} UTC.**\n"
        return super().execute(context)

    def skip(self, ti: Any, tasks: Iterable[Any] | Sequence[Any]) -> None:  # Any: as Airflow's mixin declares them
        """Skip nothing after a rejection."""
