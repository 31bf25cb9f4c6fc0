from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.training.ranks import Ranks
from pipeline.errors import InvalidInput
from pipeline.params.params import ResourceParams
from pipeline.training import processes
from pipeline.training.processes import ProcessDied, bytes_of, in_processes, process_group

ROOT = Path(__file__).parents[3]
TWO = ResourceParams(processes=2)


@dataclass(frozen=True)
class Held:
    rows: torch.Tensor
    more: dict[str, torch.Tensor]
    name: str = "graph"


def test_the_bytes_that_processes_share_are_those_of_all_tensors_wherever_they_lie() -> None:
    sparse = torch.eye(4).to_sparse_csr()  # 5 and 4 positions of 8 bytes, 4 values of 4
    held = Held(torch.zeros(3, dtype=torch.int64), {"a": torch.zeros(2), "b": sparse})
    assert bytes_of((held, None, [torch.zeros(1)])) == 24 + 8 + (40 + 32 + 16) + 4


def test_shared_memory_that_is_too_small_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "SHARED_MEMORY", tmp_path)
    expected = r"resources\.processes lays the graph into .*: \d+\.\d\d GiB, but .* are free\. .*shm_size.*processes: 1"
    with pytest.raises(InvalidInput, match=expected):
        in_processes(os.getpid, resources=TWO, shared_bytes=2**60)


@pytest.mark.skipif(torch.cuda.device_count() > 1, reason="this machine has two cards")
def test_more_processes_than_cards_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"processes is 2 with device cuda, one card each, but there are [01]\."):
        in_processes(os.getpid, resources=ResourceParams(processes=2, device="cuda"), shared_bytes=0)


def test_a_command_that_no_launcher_has_started_is_alone() -> None:
    with process_group(TWO) as ranks:
        assert ranks == Ranks(0, 1)


def total(shared: torch.Tensor, folder: Path) -> float:
    """Return a sum over two processes, where the second is killed at its first try, in the middle of the work."""
    ranks = Ranks.here()
    ranks.wait()
    if not ranks.is_first and not (folder / "killed").exists():
        (folder / "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    shared[ranks.rank] = ranks.rank + 1  # the other sees it: the memory is one
    ranks.wait()
    return float(ranks.add_up([], shared[ranks.rank] * 10)) + float(shared.sum())


def never_ending(folder: Path) -> None:
    (folder / str(os.getpid())).touch()
    Ranks.here().wait()
    time.sleep(600)


@pytest.mark.slow
def test_processes_end_with_the_command_that_started_them_even_if_it_is_killed(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys\n"
        "from tests.pipeline.training.test_processes import TWO, in_processes, never_ending\n"
        "if __name__ == '__main__':\n"
        "    in_processes(never_ending, pathlib.Path(sys.argv[1]), resources=TWO, shared_bytes=0)\n"
    )
    (tmp_path / "program.py").write_text(program)
    (begun := tmp_path / "begun").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = subprocess.Popen([sys.executable, tmp_path / "program.py", begun], env=environment)
    try:
        wait_until(lambda: len(list(begun.iterdir())) == 2)
    finally:
        command.kill()
        command.wait()
    numbers = [int(one.name) for one in begun.iterdir()]
    wait_until(lambda: not any(psutil.pid_exists(number) for number in numbers))


def wait_until(happened: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def refused(_: torch.Tensor) -> None:
    raise InvalidGraph("There are 0 training edges. Give at least one.")


@pytest.mark.slow
def test_a_killed_process_is_started_again_and_the_first_ones_answer_is_that_of_all(tmp_path: Path) -> None:
    shared = torch.zeros(2)
    assert in_processes(total, shared, tmp_path, resources=TWO, shared_bytes=8) == 33.0
    assert (tmp_path / "killed").exists()
    assert shared.tolist() == [1.0, 2.0]  # not a copy of it


@pytest.mark.slow
def test_what_is_raised_on_purpose_is_raised_here_and_nothing_begins_again() -> None:
    with pytest.raises(InvalidGraph, match="There are 0 training edges"):
        in_processes(refused, torch.zeros(1), resources=TWO, shared_bytes=4)


def killed(_: torch.Tensor) -> None:
    Ranks.here().wait()
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_a_process_that_is_killed_each_time_ends_the_work_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "RESTARTS", 1)
    with pytest.raises(ProcessDied, match=r"ended with -?\d+, 2 times in a row.*-9 is a kill.*fewer"):
        in_processes(killed, torch.zeros(1), resources=TWO, shared_bytes=4)
