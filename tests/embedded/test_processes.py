"""Starting and ending, with real processes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from embedded.layout import Layout
from embedded.processes import MARK, Processes, StackError, alone

# A component as bad as they come: ignores SIGTERM, and starts a child in a session of its own that does so too.
STUBBORN = """
import os, pathlib, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
pathlib.Path(sys.argv[1]).write_text(f"{os.getpid()} {child.pid}")
time.sleep(600)
"""
# A component that prints half a line, and its last line only when somebody has heard the one before.
TALKER = """
import pathlib, sys, time
print(sys.argv[1], end=" ", flush=True)
time.sleep(0.3)
print("begun", flush=True)
for _ in range(600):
    if pathlib.Path(sys.argv[2]).exists():
        print("ended")
        sys.exit()
    time.sleep(0.05)
sys.exit("nobody heard")
"""


@pytest.fixture
def processes(tmp_path: Path) -> Processes:
    return Processes(Layout(tmp_path / "stack"))


def start_stubborn(processes: Processes, tmp_path: Path) -> list[int]:
    """Start the stubborn component and return the process ids of it and its child."""
    pids = tmp_path / "pids"
    processes.start("stubborn", [sys.executable, "-c", STUBBORN, str(pids)], {"PATH": "/usr/bin:/bin"})
    while not pids.exists() or not pids.read_text():
        time.sleep(0.05)
        processes.check()
    return [int(pid) for pid in pids.read_text().split()]


def running(pids: list[int]) -> list[int]:
    return [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


def test_stop_ends_what_ignores_sigterm_and_what_left_the_session(processes: Processes, tmp_path: Path) -> None:
    pids = start_stubborn(processes, tmp_path)
    assert running(pids) == pids
    assert processes.stop(patience_seconds=0.5) == 2
    assert running(pids) == []
    assert processes.alive() == []
    assert list(processes.layout.pids.iterdir()) == []


def test_lines_are_handed_on_as_they_are_printed_and_none_of_an_earlier_run(
    processes: Processes, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        heard: list[str] = []

        def hear(line: str, heard: list[str] = heard, name: str = name) -> None:
            heard.append(line)
            (tmp_path / name).touch()

        processes.run("talker", [sys.executable, "-c", TALKER, name, str(tmp_path / name)], {}, on_line=hear)
        assert heard == [f"{name} begun", "ended"]


def test_what_ends_with_an_error_is_named_with_its_last_lines(processes: Processes) -> None:
    with pytest.raises(StackError, match=r"(?s)talker ended with an error.*the last word"):
        processes.run("talker", [sys.executable, "-c", "print('the last word'); raise SystemExit(3)"], {})


def test_a_later_start_finds_and_ends_what_an_earlier_one_left(processes: Processes, tmp_path: Path) -> None:
    pids = start_stubborn(processes, tmp_path)
    later = Processes(processes.layout)  # knows nothing of what was started
    assert later.stop(patience_seconds=0.5) == 2
    assert running(pids) == []
    processes.stop()


def test_stop_spares_the_processes_of_another_stack(processes: Processes, tmp_path: Path) -> None:
    other = Processes(Layout(tmp_path / "other"))
    pids = start_stubborn(other, tmp_path)
    assert processes.stop() == 0
    assert running(pids) == pids
    other.stop(patience_seconds=0.1)


def test_a_component_that_ended_is_named_with_its_log_and_last_lines(processes: Processes) -> None:
    processes.start("api-server", [sys.executable, "-c", "print('port 8080 is taken'); raise SystemExit(3)"], {})
    processes.started["api-server"].wait()
    with pytest.raises(StackError, match=r"(?s)api-server ended with exit code 3.*logs/api-server\.log.*8080 is taken"):
        processes.check()
    processes.stop()


def test_run_waits_for_the_end_and_refuses_a_failure(processes: Processes) -> None:
    processes.run("fine", [sys.executable, "-c", "pass"], {})
    with pytest.raises(StackError, match=r"(?s)broken ended with an error.*no such table"):
        processes.run("broken", [sys.executable, "-c", "raise SystemExit('no such table')"], {})
    processes.stop()


def test_run_names_another_component_that_ended_meanwhile(processes: Processes) -> None:
    processes.start("mlflow", [sys.executable, "-c", "raise SystemExit('address already in use')"], {})
    processes.started["mlflow"].wait()
    with pytest.raises(StackError, match=r"(?s)mlflow ended with exit code 1.*address already in use"):
        processes.run("airflow-db", [sys.executable, "-c", "pass"], {})
    processes.stop()


def test_two_starts_of_one_stack_do_not_meet(processes: Processes) -> None:
    hold = (
        "import sys; from pathlib import Path\n"
        "from embedded.layout import Layout; from embedded.processes import alone\n"
        "with alone(Layout(Path(sys.argv[1]))): print('held', flush=True); sys.stdin.read()"
    )
    argv = [sys.executable, "-c", hold, str(processes.layout.root)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(StackError, match=rf"in use by process {holder.pid}.*Ctrl-C"),
            alone(processes.layout),
        ):
            pass
        holder.kill()
    with alone(processes.layout):  # the kernel dropped the lock of the killed holder
        pass


def test_the_mark_is_inherited(processes: Processes, tmp_path: Path) -> None:
    out = tmp_path / "mark"
    processes.run("look", ["sh", "-c", f"sh -c 'printf %s \"${MARK}\"' > {out}"], {"PATH": "/usr/bin:/bin"})
    assert out.read_text() == str(processes.layout.root)
