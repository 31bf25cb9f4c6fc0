from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmarks.pretended_accelerator import DEVICE, PretendedAccelerator, PretendedTensor, values_of


def test_tensors_say_that_they_are_elsewhere_and_hold_their_values() -> None:
    with PretendedAccelerator() as accelerator:
        there = torch.arange(4.0).to(DEVICE)
        assert isinstance(there, PretendedTensor)
        assert there.device.type != "cpu"
        there[1:] += 10  # a view shares memory, in place too
        made = torch.ones(4, device=DEVICE) + there
        assert accelerator.waits == []
        back = made.cpu()
    assert not isinstance(back, PretendedTensor)
    assert back.tolist() == [1, 12, 13, 14]


def test_the_backward_pass_goes_through_it() -> None:
    torch.manual_seed(0)
    network, x = nn.Linear(3, 1), torch.rand(5, 3)
    network(x).sum().backward()
    expected = network.weight.grad
    with PretendedAccelerator() as accelerator:
        accelerator.moved(network)
        network(x.to(DEVICE)).sum().backward()
        assert accelerator.waits == []
    assert network.weight.grad is not expected
    assert torch.equal(values_of(network.weight.grad), expected)


def test_each_wait_is_counted_once() -> None:
    with PretendedAccelerator() as accelerator:
        x, count = torch.arange(5).to(DEVICE), torch.tensor([1, 0, 2]).to(DEVICE)
        work = {
            "item": lambda: int(x[0]),
            "list": lambda: x.tolist(),
            "copy": lambda: x.cpu(),
            "mask": lambda: x[x > 2],
            "put by mask": lambda: x.__setitem__(x > 9, 0),
            "nonzero": lambda: (x > 2).nonzero(),
            "unique": lambda: x.unique(),
            "bincount": lambda: x.bincount(),
            "repeat": lambda: x[:3].repeat_interleave(count),
        }
        for name, one in work.items():
            accelerator.waits.clear()
            one()
            assert len(accelerator.waits) == 1, name
        accelerator.waits.clear()
        x[:3].repeat_interleave(count, output_size=3)
        assert torch.where(x > 2, x, 0).sort().values[torch.arange(2, device=DEVICE)].shape == (2,)
        assert accelerator.waits == []


def test_tensors_of_two_devices_are_refused() -> None:
    with PretendedAccelerator():
        there = torch.arange(3).to(DEVICE)
        assert (there + torch.tensor(1)).shape == (3,)  # a number may come from anywhere
        with pytest.raises(RuntimeError, match=r"tensors of two devices, the pretended one and the CPU\. Move one"):
            there + torch.arange(3)


def test_what_is_replaced_is_given_back() -> None:
    before = torch.autocast
    with PretendedAccelerator(), torch.autocast("meta", torch.bfloat16, enabled=False):
        assert torch.autocast is not before
    assert torch.autocast is before
