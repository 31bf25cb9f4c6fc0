"""The operator of a night's first step: it waits for the earlier nights, and then for the delivery."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NoReturn

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException, AirflowRescheduleException

from ncnc_airflow.earlier_nights import BACKFILL, queued_backfill_before, running_before
from ncnc_airflow.step_task import NotDelivered, StepTask, keep_reason

# A look starts a process, which costs seconds of a core. Ten waiting nights that each looked every minute took half of
# a machine of two cores from the one night that worked. So one looks this many times rarer at most.
RAREST = 10


class SnapshotTask(StepTask):
    """Run the first step once it is this night's turn and the source has delivered.

    It waits while an earlier night of the DAG runs, or is queued in a backfill. A night that failed or is over is not
    waited for. Then it runs the step. If the step ends with 66, the source has not delivered yet, and the step is run
    again later. Between two looks the task is rescheduled: it holds no worker, and no retry is used. The more nights
    run before it, the rarer it looks. What it waits for is in its log, and under XCom (`reason`) on its page.
    """

    def __init__(
        self, *, turn_time: timedelta, delivery_time: timedelta, look_every: timedelta, **kwargs: object
    ) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]
        self.turn_time = turn_time
        self.delivery_time = delivery_time
        self.look_every = look_every

    def execute(self, context: Context) -> object:
        """Run the step and return the run's name.

        Raises:
            AirflowRescheduleException: it is not this night's turn, or the source has not delivered yet.
            AirflowFailException: it has waited too long, or an earlier night cannot start before this one has ended.
        """
        self._await_turn(context)
        try:
            return super().execute(context)
        except NotDelivered as late:
            self._wait(context, str(late), self.delivery_time)

    def _await_turn(self, context: Context) -> None:
        run = context["dag_run"]
        if earlier := list(islice(running_before(run), RAREST)):
            waiting = f"the earlier night {earlier[0].run_id} runs; nights are made in order"
            self._wait(context, waiting, self.turn_time, every=self.look_every * len(earlier))
        queued = queued_backfill_before(run)
        if queued is None:
            return
        if run.run_type == BACKFILL:  # a backfill starts its nights in order, so that one was put behind this one
            raise AirflowFailException(
                f"The earlier night {queued.run_id} of this backfill is queued and may never start while this night "
                f"waits for it. Nights are made in order: make a backfill without --run-backwards, and clear this "
                f"night when the earlier ones have ended."
            )
        waiting = f"the earlier night {queued.run_id} of a backfill is queued; cancel the backfill if it shall not run"
        self._wait(context, waiting, self.turn_time)

    def _wait(self, context: Context, what_for: str, longest: timedelta, *, every: timedelta | None = None) -> NoReturn:
        """Put the task off until the next look; fail where it has waited for too long."""
        now, every = datetime.now(UTC), every or self.look_every
        since = context["ti"].get_first_reschedule_date(context) or now
        if now - since >= longest:
            waited = f"{what_for} (waited since {since:%Y-%m-%d %H:%M} UTC, and {longest} is the longest wait)"
            keep_reason(context, f"{self.step}: {waited}")
            raise AirflowFailException(f"{waited}. Clear the task to wait anew.")
        self.log.info("Waiting: %s. Next look in %s, until %s", what_for, every, since + longest)
        keep_reason(context, f"{self.step} waits: {what_for}")
        raise AirflowRescheduleException(now + every)  # type: ignore[no-untyped-call]  # its __init__ has no types
