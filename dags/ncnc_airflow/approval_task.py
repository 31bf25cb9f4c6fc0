"""Airflow's approval operator, with an answer that is handed on whichever it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator


class ApprovalTask(ApprovalOperator):
    """Wait for Approve or Reject, and hand the answer on by XCom: what was chosen, by whom and when.

    Airflow's own operator skips what comes after a rejection, and then pushes no answer, so that nobody could enter who
    rejected the night. Here the step that follows runs either way, enters the answer, and ends as skipped itself.
    """

    def skip(self, ti: Any, tasks: Iterable[Any] | Sequence[Any]) -> None:  # Any: as Airflow's mixin declares them
        """Skip nothing after a rejection."""
