"""Airflow's approval operator, changed so that a rejection is passed on too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator


class ApprovalTask(ApprovalOperator):
    """Wait for Approve or Reject, and pass the answer on by XCom: the choice, the person and the time.

    Airflow's own operator skips the next task after a rejection and pushes no answer, so the ledger could not name who
    rejected the night. Here the next step always runs: it enters a rejection, and then ends as skipped.
    """

    def skip(self, ti: Any, tasks: Iterable[Any] | Sequence[Any]) -> None:  # Any: as Airflow's mixin declares them
        """Skip nothing after a rejection."""
