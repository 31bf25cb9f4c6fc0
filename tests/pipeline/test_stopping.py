"""Real processes that are told to stop, and whose runner is killed."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
STOPPED = """
import signal, time
from pipeline.stopping import Stopped, stop_at_sigterm
stop_at_sigterm()
try:
    try:
        print("ready", flush=True)
        time.sleep(60)
    except Exception:
        pass  # a library that takes every failure for trouble and goes on
except Stopped as stopped:
    signal.raise_signal(signal.SIGTERM)  # a second one, while a checkpoint is kept
    print(stopped, flush=True)
    raise SystemExit(stopped.exit_code)
"""
# A command that starts a child, as a step starts git, and says which processes they are.
COMMAND = """
import os, subprocess, sys, time
from pipeline.stopping import end_with
end_with(int(sys.argv[1]) if len(sys.argv) > 1 else os.getppid())
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(os.getpid(), child.pid, flush=True)
time.sleep(600)
"""
RUNNER = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {COMMAND!r}], start_new_session=True)
"""


def start(source: str, *arguments: str, stdin: int | socket.socket = subprocess.DEVNULL) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", source, *arguments]
    return subprocess.Popen(argv, cwd=ROOT, stdin=stdin, stdout=subprocess.PIPE, text=True, start_new_session=True)


def pids(process: subprocess.Popen[str]) -> list[int]:
    assert process.stdout is not None
    return [int(word) for word in process.stdout.readline().split()]


def running(processes: list[int]) -> list[int]:
    assert processes, "nothing was started"
    found = [pid for pid in processes if psutil.pid_exists(pid)]
    return [pid for pid in found if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


def gone_within(processes: list[int], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while running(processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_command_that_is_told_to_stop_ends_75_whatever_swallows_exceptions() -> None:
    process = start(STOPPED)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=30)
    assert output == "The command was told to stop (SIGTERM). Run it again: finished work is kept.\n"
    assert process.returncode == 75


def test_a_command_and_its_child_end_when_their_runner_is_killed() -> None:
    runner = start(RUNNER)
    command_and_child = pids(runner)
    runner.kill()
    runner.wait()
    assert gone_within(command_and_child, 20)


def test_a_command_ends_when_the_process_that_watches_its_runner_is_gone() -> None:
    watcher, of_the_command = socket.socketpair()
    process = start(COMMAND, stdin=of_the_command)
    of_the_command.close()
    command_and_child = pids(process)
    assert not gone_within(command_and_child, 1.5)
    watcher.close()
    assert gone_within(command_and_child, 20)
    process.wait()


def test_a_command_whose_runner_was_gone_before_it_looked_ends_too() -> None:
    process = start(COMMAND, "1")  # not its parent, or not any more
    assert process.wait(timeout=30) == -signal.SIGKILL


@pytest.mark.parametrize("stdin", [subprocess.DEVNULL, subprocess.PIPE])
def test_a_command_whose_runner_lives_goes_on(stdin: int) -> None:
    process = start(COMMAND, stdin=stdin)
    command_and_child = pids(process)
    assert not gone_within(command_and_child, 1.5)
    assert running(command_and_child) == command_and_child
    for pid in command_and_child:
        psutil.Process(pid).kill()
    process.wait()
