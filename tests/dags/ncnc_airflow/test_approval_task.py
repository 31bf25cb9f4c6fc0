"""The answer is handed on whichever it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from airflow.providers.standard.operators import hitl
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import DownstreamTasksSkipped
from ncnc_airflow.approval_task import ApprovalTask

AT = datetime(2026, 1, 2, 3, tzinfo=UTC)


class Pushes:
    """Stands for the task instance: a mixin of Airflow pushes which tasks it skips."""

    map_index = -1

    def xcom_push(self, **_: object) -> None:
        """Take it."""


def answer(kind: type[ApprovalOperator], choice: str) -> dict[str, object]:
    """Let an operator with a task after it take an answer, as Airflow resumes it."""
    with DAG("asked", schedule=None):
        approve = kind(task_id="approve", subject="Promote?", defaults="Reject")
        approve >> ApprovalTask(task_id="after", subject="and then?")
    event = {"chosen_options": [choice], "params_input": {}, "responded_at": AT, "responded_by_user": None}
    found: dict[str, object] = approve.execute_complete({"task": approve, "ti": Pushes()}, event)  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("choice", ["Approve", "Reject"])
def test_answer_is_handed_on_with_who_and_when(choice: str) -> None:
    found = answer(ApprovalTask, choice)
    assert (found["chosen_options"], found["responded_at"], found["responded_by_user"]) == ([choice], AT, None)


def test_airflows_own_operator_would_hand_on_no_rejection() -> None:
    with pytest.raises(DownstreamTasksSkipped):
        answer(ApprovalOperator, "Reject")


def test_the_form_ends_with_the_time_until_which_an_answer_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **detail: asked.update(detail))
    task = ApprovalTask(task_id="approve", subject="Promote?", body="Look.\n", response_timeout=timedelta(hours=8))
    before = datetime.now(UTC)
    with pytest.raises(BaseException) as waits:  # noqa: PT011 - Airflow's sign that the task waits for a person
        task.execute.__wrapped__(task, {"task_instance": type("Instance", (), {"id": "1"})})
    assert type(waits.value).__name__ == "TaskAwaitingInput"
    body = str(asked["body"])
    assert body.startswith("Look.\n\n**Answer by ")
    until = datetime.strptime(body.split("**")[1], "Answer by %Y-%m-%d %H:%M UTC.").replace(tzinfo=UTC)
    assert timedelta(hours=7, minutes=58) < until - before < timedelta(hours=8, minutes=2)
