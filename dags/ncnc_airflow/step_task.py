"""The operator that runs one step of the night as a child process."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import NoReturn

import psutil  # type: ignore[import-untyped]
from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

INPUT_IS_WRONG = 2
NOT_DELIVERED = 66
NOTHING_TO_DO = 99

# Airflow's supervisor sends SIGKILL to a task 5 s after SIGTERM (its `kill`, not configurable). The step lives in a
# session of its own and would survive that, so on this path everything must be over before; what is left of the 5 s is
# for a busy machine to see the group end and the task's own process exit.
SECONDS_BEFORE_AIRFLOW_KILLS = 3.0


class NotDelivered(AirflowException):
    """The step found that the source has not delivered yet."""


class StepTask(BaseOperator):
    """Run `ncnc <step> --run-dir R ...` and pass its exit code on; `run_dir` is None for a command without a run.

    0 succeeds, and the run's name is pushed to XCom; with `result`, the field of that name in the step's JSON line is
    pushed instead (for example the shard numbers, to map a task over). 2 (the input is wrong) fails at the first try;
    99 (nothing to do) skips; 66 (not delivered yet) is waited for where the step is `snapshot`; everything else, such
    as 75 (trouble outside), fails and is retried. What a step that failed said last is kept under XCom (`reason`).

    The child leads a process group of its own. At a time-out the group gets SIGTERM, then `grace_seconds` to end, then
    SIGKILL, and only when it is gone does this try end: two tries of a step never overlap. When Airflow kills the task
    (cleared or marked while it runs) the grace is at most 3 s, because Airflow itself waits only 5. Where this process
    is killed itself, `ncnc` sees that its parent is gone, and ends with all that it has started.

    `run_dir` and `arguments` are templates; `run_dir` and `program` may name environment variables ($NCNC_HOME), which
    are read on the worker, so that machines may keep their folders in different places.
    """

    template_fields: Sequence[str] = ("run_dir", "arguments")
    ui_color = "#e8f0e0"

    def __init__(
        self,
        *,
        run_dir: str | None = None,
        step: str | None = None,
        arguments: Sequence[str] = (),
        program: Sequence[str] = ("ncnc",),
        grace_seconds: float = 20.0,
        result: str | None = None,
        task_id: str | None = None,
        **kwargs: object,
    ) -> None:
        super().__init__(task_id=task_id or step, **kwargs)  # type: ignore[arg-type]
        self.step = step or self.task_id
        self.run_dir = run_dir
        self.arguments = list(arguments)
        self.program = list(program)
        self.grace_seconds = grace_seconds
        self.result = result
        self.last_line = ""

    @cached_property
    def hook(self) -> SubprocessHook:
        """The provider's hook, which starts the child in a session of its own."""
        return SubprocessHook()

    def execute(self, context: Context) -> object:
        """Run the step and return the run's name, or the field of its line that `result` names.

        Raises:
            AirflowFailException: exit code 2, or an environment variable is not set; not retried.
            AirflowSkipException: exit code 99.
            NotDelivered: exit code 66; retried, but where the task waits for it.
            AirflowException: any other exit code; retried.
        """
        run_dir = _expanded(self.run_dir) if self.run_dir is not None else None
        where = [] if run_dir is None else ["--run-dir", run_dir]
        argv = [*map(_expanded, self.program), self.step, *where, *self.arguments]
        try:
            # The step runs where the worker runs (params.yaml is found from there), not in a temporary folder.
            # It ends when this process is gone: a killed runner reaches no `finally`, and the retry must find it ended.
            environment = {**os.environ, "NCNC_RUNNER_PID": str(os.getpid())}
            result = self.hook.run_command(argv, env=environment, cwd=str(Path.cwd()))
        finally:
            # On AirflowTaskTimeout, a BaseException, as well as after an ordinary end: nothing outlives its try.
            self._end_child(self.grace_seconds)
        self.last_line = result.output
        if result.exit_code != 0:
            reason = _reason(result.output)
            if result.exit_code != NOTHING_TO_DO:
                keep_reason(context, f"{self.step}: {reason}")
            self._raise_for(result.exit_code, reason)
        if self.result is not None:
            return json.loads(result.output)[self.result]
        return Path(run_dir).name if run_dir is not None else ""

    def on_kill(self) -> None:
        """End the child when Airflow kills the task; a no-op where `execute` has done it."""
        self._end_child(min(self.grace_seconds, SECONDS_BEFORE_AIRFLOW_KILLS))

    def _raise_for(self, exit_code: int, reason: str) -> NoReturn:
        message = f"{self.step} ended {exit_code}: {reason}"
        if exit_code == INPUT_IS_WRONG:
            raise AirflowFailException(f"{message} (The input is wrong: not retried.)")
        if exit_code == NOTHING_TO_DO:
            raise AirflowSkipException(reason)
        if exit_code == NOT_DELIVERED:
            raise NotDelivered(message)
        raise AirflowException(message)

    def _end_child(self, grace_seconds: float) -> None:
        """Terminate the child's process group, wait, kill, and return when no member of it runs."""
        child = self.hook.sub_process
        if child is None:
            return
        if _running_members(child.pid):
            self.log.warning("Ending %s: SIGTERM to its process group, SIGKILL in %.0f s", self.step, grace_seconds)
            _signal_group(child.pid, signal.SIGTERM)
            if not _gone_within(child.pid, grace_seconds):
                self.log.warning("%s did not end in %.0f s: SIGKILL", self.step, grace_seconds)
                _signal_group(child.pid, signal.SIGKILL)
                while not _gone_within(child.pid, 1.0):
                    self.log.warning("%s is not gone yet, waiting", self.step)


def keep_reason(context: Context, reason: str) -> None:
    """Keep why a step did not end well, under XCom on its page: the night's report enters it where nothing else did."""
    if "ti" in context:
        context["ti"].xcom_push("reason", reason)


def _expanded(text: str) -> str:
    """Replace $NAME by the worker's environment; a name that is not set is an error, not a literal dollar."""
    expanded = os.path.expandvars(text)
    if "$" in expanded:
        raise AirflowFailException(
            f"{text!r} names an environment variable that this worker does not have (left over: {expanded!r}). "
            f"Set it where the worker starts; .env.example lists every variable."
        )
    return expanded


def _reason(last_line: str) -> str:
    """Return what the child said last: the reason of its JSON line, its error, or the line as it is."""
    try:
        content = json.loads(last_line)
    except ValueError:
        return last_line.removeprefix("ncnc: ") or "the step printed nothing; see the log above"
    if isinstance(content, dict) and "reason" in content:
        return str(content["reason"])
    return last_line


def _running_members(group: int) -> list[int]:
    """Return the processes of a group that still run; the unreaped leader, a zombie, is not one of them.

    Asked of the process table and not by `wait`: this also runs inside a signal handler that may have interrupted
    `Popen.wait`, and reaping the leader behind its back would make Popen report exit code 0.
    """
    members = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                members.append(process.pid)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return members


def _gone_within(group: int, seconds: float) -> bool:
    deadline = time.clock_gettime(time.CLOCK_BOOTTIME) + seconds  # a suspended machine gives no more time
    while _running_members(group):
        if time.clock_gettime(time.CLOCK_BOOTTIME) >= deadline:
            return False
        time.sleep(0.05)
    return True


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return
