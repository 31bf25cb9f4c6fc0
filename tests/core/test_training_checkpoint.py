from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.training_checkpoint import (
    EpochResult,
    Progress,
    load_optimizer_tensors,
    optimizer_tensors,
    read_checkpoint,
    write_checkpoint,
)

PROGRESS = Progress([EpochResult(1, 0.1 + 0.2, {"mrr": 1 / 3}, 2.5)], 1, 1 / 3, 0, True)


def test_checkpoint_gives_back_tensors_and_progress_exactly(tmp_path: Path) -> None:
    tensors = {"network/a": torch.rand(3), "sampler": torch.tensor([1, 2], dtype=torch.uint8)}
    write_checkpoint(tmp_path / "deep" / "checkpoint", tensors, PROGRESS, "run")
    read, progress = read_checkpoint(tmp_path / "deep" / "checkpoint", "run")
    assert progress == PROGRESS
    assert all(torch.equal(read[name], tensors[name]) for name in tensors)


def test_interrupted_write_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    write_checkpoint(path, {"a": torch.zeros(1)}, PROGRESS, "run")
    before = path.read_bytes()
    with pytest.raises(TypeError):
        write_checkpoint(path, {"a": torch.ones(1)}, PROGRESS, None)  # type: ignore[arg-type]  # fails while writing
    assert path.read_bytes() == before


def test_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "checkpoint", {"a": torch.zeros(1)}, PROGRESS, "a" * 64)
    with pytest.raises(InvalidGraph, match=r"another training \(run aaaaaaaaaaaa, this one is bbbbbbbbbbbb\).*Remove"):
        read_checkpoint(tmp_path / "checkpoint", "b" * 64)


def test_optimizer_goes_on_as_if_it_had_never_stopped() -> None:
    start = torch.rand(4)
    whole, first, second = (start.clone().requires_grad_() for _ in range(3))
    optimizers = {one: torch.optim.Adam([one], lr=0.1) for one in (whole, first, second)}

    def step(parameter: torch.Tensor) -> None:
        optimizers[parameter].zero_grad()
        parameter.square().sum().backward()
        optimizers[parameter].step()

    step(whole)
    step(first)
    second.data.copy_(first.data)
    load_optimizer_tensors(optimizers[second], optimizer_tensors(optimizers[first]))
    step(whole)
    step(second)
    assert torch.equal(whole, second)
