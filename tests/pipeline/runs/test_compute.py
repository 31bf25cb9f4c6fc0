from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from pipeline.errors import InvalidInput
from pipeline.params.params import ResourceParams
from pipeline.runs import compute

ROOT = Path(__file__).parents[3]


@pytest.fixture
def threads() -> Iterator[int]:
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


def test_threads_are_left_as_torch_found_them_unless_asked_for(threads: int) -> None:
    assert compute.use(ResourceParams()) == torch.device("cpu")
    assert torch.get_num_threads() == threads


def test_asked_for_threads_are_set_and_recorded(threads: int) -> None:
    asked = ResourceParams(threads=threads + 1)
    machine = compute.machine(compute.use(asked), asked)
    assert machine["threads"] == str(threads + 1)
    assert "processes" not in machine


@pytest.mark.parametrize(("threads_of_each", "recorded"), [(None, "1"), (3, "3")])
def test_of_several_processes_the_number_and_the_threads_of_each_are_recorded(
    threads_of_each: int | None, recorded: str
) -> None:
    machine = compute.machine(torch.device("cpu"), ResourceParams(processes=4, threads=threads_of_each))
    assert (machine["processes"], machine["threads"]) == ("4", recorded)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_cuda_without_a_device_is_refused_with_both_ways_out() -> None:
    with pytest.raises(InvalidInput, match=r"resources\.device is cuda.*device: cpu in params\.yaml.*gpu queue"):
        compute.use(ResourceParams(device="cuda"))


def test_the_record_of_the_machine_holds_what_repetition_depends_on() -> None:
    machine = compute.machine(torch.device("cpu"), ResourceParams())
    assert machine["torch"] == torch.__version__  # with its label: a CPU and a CUDA build differ in the last digits
    assert machine["lock_sha256"] == hashlib.sha256((ROOT / "requirements.lock").read_bytes()).hexdigest()
    assert machine["cpu"]
    assert all(isinstance(value, str) for value in machine.values())


def test_an_image_without_a_lock_file_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(compute, "LOCK_FILE", tmp_path / "requirements.lock")
    assert compute.machine(torch.device("cpu"), ResourceParams())["lock_sha256"] == "none"
