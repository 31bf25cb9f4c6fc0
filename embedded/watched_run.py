"""Follows a run of a DAG: shows each change of a task's state, and answers a task that waits for a person."""

from __future__ import annotations

import time
from dataclasses import dataclass

from embedded.airflow_api import AirflowApi
from embedded.nights import Answer, DemoError
from embedded.processes import Processes
from pipeline.terminal import Terminal, styled

ENDED = ("success", "failed")
WAITS_FOR_A_PERSON = "awaiting_input"
NOT_BEGUN = ("waiting", "scheduled", "queued")
LONGEST_SECONDS = 1200.0
# The demo waits before it answers, as a person reads first. An answer in the same second can arrive before the
# scheduler knows that the task waits. The scheduler then takes the task for failed, and asks again at the next try.
READING_SECONDS = 10.0
POLL_SECONDS = 1.0
COLOURS = {
    "success": "green",
    "running": "cyan",
    "skipped": "magenta",
    "up_for_retry": "yellow",
    "up_for_reschedule": "yellow",
    WAITS_FOR_A_PERSON: "yellow",
}


@dataclass(frozen=True)
class WatchedRun:
    """One run of one DAG, watched until it has ended."""

    api: AirflowApi
    processes: Processes
    console: Terminal
    dag_id: str
    run_id: str
    title: str

    def follow(self, answer: Answer | None = None) -> str:
        """Show the tasks' states as they change, answer what waits for a person, and return the run's state at its end.

        Raises:
            DemoError: the run has not ended after 20 minutes.
            StackError: a component of the stack has ended.
        """
        started, shown, waiting = time.monotonic(), dict[str, str](), dict[str, float]()
        with self.console.status(self.title) as status:
            while True:
                state = self.api.run_state(self.dag_id, self.run_id)
                tasks = self.api.task_states(self.dag_id, self.run_id)
                seconds = time.monotonic() - started
                for task, now in tasks.items():
                    if now != shown.get(task) and now not in NOT_BEGUN:
                        colour = COLOURS.get(now, "red")
                        self.console.print(styled(f"  {seconds:5.0f} s  {task:<9} ", (now, colour)))
                        shown[task] = now
                        if now == WAITS_FOR_A_PERSON:
                            waiting[task] = seconds
                    if now != WAITS_FOR_A_PERSON:
                        waiting.pop(task, None)
                    elif answer is not None and task in waiting and seconds - waiting[task] >= READING_SECONDS:
                        del waiting[task]
                        self._answer(task, answer)
                if state in ENDED:
                    self.console.print(f"  {self.title} ended {state} after {seconds:.0f} s")
                    return state
                running = [task for task, now in tasks.items() if now == "running"]
                status.update(styled(f"{self.title}: {', '.join(running) or 'between tasks'}, {seconds:.0f} s"))
                self.processes.check()
                if seconds > LONGEST_SECONDS:
                    raise DemoError(
                        f"{self.run_id} of {self.dag_id} has not ended in {seconds:.0f} s; its tasks: {tasks}."
                    )
                time.sleep(POLL_SECONDS)

    def _answer(self, task: str, answer: Answer) -> None:
        self.console.print(f"           a person reads the page and answers {answer.choice}: {answer.reason}")
        self.api.answer(self.dag_id, self.run_id, task, answer.choice, answer.reason)
