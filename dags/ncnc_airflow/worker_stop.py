"""Loaded by a Celery worker (`imports` of its configuration): a worker that is stopped tells its steps."""

from __future__ import annotations

import contextlib
import os
import threading
import time

import psutil  # type: ignore[import-untyped]
from celery.signals import worker_shutting_down  # type: ignore[import-untyped]

SECONDS_BETWEEN_LOOKS = 1.0


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def tell_steps(**arguments: object) -> None:
    """Send SIGTERM to each step of this worker, so that it ends with 75 now and its retry goes elsewhere.

    Celery itself only waits for its tasks, until the container's grace is over and everything is killed. A task that
    has just been taken may start its step later, so this goes on until the worker is gone.
    """
    threading.Thread(target=_tell_until_the_end, args=(os.getpid(),), name="worker-stop", daemon=True).start()


def _tell_until_the_end(worker: int) -> None:
    told = set[psutil.Process]()
    while True:
        for step in set(steps_of(worker)) - told:
            with contextlib.suppress(psutil.NoSuchProcess):
                step.terminate()
            told.add(step)  # once: a second SIGTERM would disturb nothing, but say nothing new either
        time.sleep(SECONDS_BETWEEN_LOOKS)


def steps_of(worker: int) -> list[psutil.Process]:
    """Return the steps below a worker's main process: what leads a session of its own, as the operator starts them."""
    return [below for below in psutil.Process(worker).children(recursive=True) if _leads_a_session(below.pid)]


def _leads_a_session(pid: int) -> bool:
    try:
        return os.getsid(pid) == pid
    except ProcessLookupError:
        return False
