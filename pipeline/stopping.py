"""How a command ends when it is told to, and when the process that it works for is gone."""

from __future__ import annotations

import os
import select
import signal
import stat
import threading
from types import FrameType
from typing import NoReturn

SECONDS_BETWEEN_LOOKS = 1.0
STANDARD_INPUT = 0


class Stopped(BaseException):
    """The command was told to stop.

    Like KeyboardInterrupt it is no Exception: code that takes every failure of a service for trouble must not take this
    for one, and go on.
    """

    exit_code = 75  # trouble outside: whoever runs the command may try again, here or on another machine


def stop_at_sigterm() -> None:
    """Raise `Stopped` in the main thread when SIGTERM arrives; a second one changes nothing."""
    signal.signal(signal.SIGTERM, _stop)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what the first set off, such as keeping a checkpoint, is to finish
    raise Stopped("The command was told to stop (SIGTERM). Run it again: finished work is kept.")


def end_with(runner: int) -> None:
    """End this command and what it has started, within about a second, once its runner is gone.

    The runner is the parent process. It may be killed without a word, as the kernel does when memory is short, and who
    gave it the work then gives it to another: two tries of a step must not overlap. Under Airflow the standard input is
    a socket to the process that watches the runner; that one's death shows as a hang-up.
    """
    threading.Thread(target=_watch, args=(runner,), name="runner-watch", daemon=True).start()


def _watch(runner: int) -> None:
    hang_up = select.poll()
    if _is_socket(STANDARD_INPUT):
        hang_up.register(STANDARD_INPUT, 0)  # a hang-up is reported unasked, and the other's messages stay unread
    while not hang_up.poll(SECONDS_BETWEEN_LOOKS * 1000) and os.getppid() == runner:
        pass
    _kill_all()


def _is_socket(number: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(number).st_mode)
    except OSError:  # closed
        return False


def _kill_all() -> None:
    """Kill this process and, where it leads a group of its own, all that it has started."""
    if os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
