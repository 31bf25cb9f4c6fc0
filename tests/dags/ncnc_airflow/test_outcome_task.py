from __future__ import annotations

from typing import get_args

import pytest
from airflow.sdk.exceptions import AirflowFailException
from ncnc_airflow.outcome_task import WITHOUT_A_DECISION, OutcomeTask

from pipeline.ledger.entries import NightOutcome


class Reported:
    """Stands for the task instance: what the report passed on."""

    def __init__(self, outcome: str | None) -> None:
        self.outcome = outcome

    def xcom_pull(self, task_ids: str, key: str) -> str | None:
        assert (task_ids, key) == ("report", "outcome")
        return self.outcome


def execute(outcome: str | None) -> None:
    task = OutcomeTask(task_id="outcome")
    task.execute.__wrapped__(task, {"ti": Reported(outcome)})


@pytest.mark.parametrize("outcome", WITHOUT_A_DECISION)
def test_a_night_without_a_decision_is_red(outcome: str) -> None:
    with pytest.raises(AirflowFailException, match=f"came to no decision: {outcome}. Its report says why"):
        execute(outcome)


@pytest.mark.parametrize("outcome", [*sorted({*get_args(NightOutcome)} - {*WITHOUT_A_DECISION}), None])
def test_any_other_night_has_the_colour_of_its_tasks(outcome: str | None) -> None:
    execute(outcome)
