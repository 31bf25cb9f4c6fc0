from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.training.ranks import Ranks
from pipeline.errors import InvalidInput
from pipeline.params.params import ResourceParams
from pipeline.training import processes
from pipeline.training.processes import ProcessDied, bytes_of, in_processes, process_group

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
