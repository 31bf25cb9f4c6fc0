"""The processes of one stack: starts them, finds them by a mark in their environment, and ends all of them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import psutil  # type: ignore[import-untyped]

from embedded.layout import Layout

MARK = "EMBEDDED_STACK"
LAST_LINES = 15
POLL_SECONDS = 0.1


class StackError(Exception):
    """A component did not start, did not stop, or a request to it failed."""


@dataclass
class Processes:
    """Starts and ends the components of a stack.

    Every process carries the stack's folder in its environment, inherited by whatever it starts in turn. A process
    group would not find them all: each Airflow task, and each step below it, leads a group of its own.
    """

    layout: Layout
    started: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a component in a session of its own, its output going to logs/<name>.log."""
        self.layout.logs.mkdir(parents=True, exist_ok=True)
        self.layout.pids.mkdir(parents=True, exist_ok=True)
        with (self.layout.logs / f"{name}.log").open("ab") as log:
            self.started[name] = subprocess.Popen(
                list(argv),
                env={**environment, MARK: str(self.layout.root)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        (self.layout.pids / f"{name}.pid").write_text(f"{self.started[name].pid}\n")

    def run(
        self,
        name: str,
        argv: Sequence[str],
        environment: Mapping[str, str],
        *,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        """Run a component that ends by itself, and wait for it; `on_line` gets each line when it is printed.

        Raises:
            StackError: it ended with an error, or another component ended meanwhile.
        """
        log = self.layout.logs / f"{name}.log"
        printed = log.stat().st_size if log.is_file() else 0
        self.start(name, argv, environment)
        process = self.started[name]
        with log.open(errors="replace") as stream:
            stream.seek(printed)
            begun, ended = "", False
            while not ended:
                ended = process.poll() is not None  # asked before reading, so that the last lines are read as well
                *lines, begun = (begun + stream.read()).split("\n")
                if on_line is not None:
                    for line in lines:
                        on_line(line)
                if not ended:
                    time.sleep(POLL_SECONDS)
        if self.started.pop(name).returncode != 0:
            raise self.failure(name, "ended with an error")
        (self.layout.pids / f"{name}.pid").unlink(missing_ok=True)
        self.check()

    def check(self) -> None:
        """Raise StackError if a component has ended."""
        for name, process in self.started.items():
            if process.poll() is not None:
                raise self.failure(name, f"ended with exit code {process.returncode}")

    def failure(self, name: str, what: str) -> StackError:
        """Return the error about a component, with its log's path and last lines."""
        log = self.layout.logs / f"{name}.log"
        lines = log.read_text(errors="replace").splitlines()[-LAST_LINES:] if log.is_file() else []
        tail = "\n".join(f"    {line}" for line in lines)
        return StackError(f"{name} {what}. Its log is {log}; the last lines are:\n{tail}")

    def alive(self) -> list[psutil.Process]:
        """Return every running process of this stack, whoever started it and when."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):  # ended meanwhile, or another user's
                if process.environ().get(MARK) == str(self.layout.root) and process.pid != os.getpid():
                    found.append(process)
        return [process for process in found if _runs(process)]

    def stop(self, *, patience_seconds: float = 15.0) -> int:
        """End everything: SIGTERM, wait, SIGKILL; return how many there were.

        Raises:
            StackError: a process is still there afterwards.
        """
        first = self.alive()
        _signal(first, signal.SIGTERM)
        psutil.wait_procs(first, timeout=patience_seconds)
        for _ in range(5):  # what is killed may have started something a moment before
            left = self.alive()
            if not left:
                break
            _signal(left, signal.SIGKILL)
            psutil.wait_procs(left, timeout=5)
        if left := self.alive():
            raise StackError(f"These processes do not end: {[process.pid for process in left]}. Kill them by hand.")
        for process in self.started.values():
            process.wait()  # reaped, so that no zombie stays
        self.started.clear()
        for file in self.layout.pids.glob("*.pid"):
            file.unlink()
        return len(first)


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _signal(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


@contextlib.contextmanager
def alone(layout: Layout) -> Iterator[None]:
    """Hold the stack's lock, which the kernel drops when this process ends, however it ends.

    Raises:
        StackError: another process of this checkout starts, uses or stops the same stack.
    """
    layout.lock.parent.mkdir(parents=True, exist_ok=True)
    with layout.lock.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise StackError(
                f"The stack in {layout.root} is in use by process {lock.read().strip() or '?'}. "
                f"Wait until it has ended, or end it with Ctrl-C."
            ) from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
