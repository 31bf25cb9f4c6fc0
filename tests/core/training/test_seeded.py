from __future__ import annotations

import threading

import pytest
import torch

from ncnc_core.training.seeded import random_states, restore_random_states, seeded

CPU = torch.device("cpu")


def test_block_is_seeded_and_the_caller_goes_on_as_if_it_had_not_been() -> None:
    torch.manual_seed(7)
    expected = torch.rand(2).tolist()
    torch.manual_seed(7)
    with seeded(3, CPU):
        inside = torch.rand(1)
    assert torch.rand(2).tolist() == expected
    assert inside == torch.rand(1, generator=torch.Generator().manual_seed(3))


def test_caller_state_comes_back_after_an_error_too() -> None:
    before = torch.get_rng_state()
    with pytest.raises(ZeroDivisionError), seeded(3, CPU):
        _ = 1 / 0
    assert torch.equal(torch.get_rng_state(), before)


def test_states_put_back_repeat_the_draws() -> None:
    with seeded(3, CPU):
        states = random_states(CPU)
        first = torch.rand(3)
        restore_random_states(states, CPU)
        assert torch.equal(torch.rand(3), first)


def test_a_second_thread_waits_and_a_block_inside_goes_on() -> None:
    entered = threading.Event()

    def other() -> None:
        with seeded(5, CPU):
            entered.set()

    thread = threading.Thread(target=other)
    with seeded(3, CPU):
        thread.start()
        with seeded(4, CPU):
            assert not entered.wait(0.1)
        assert not entered.is_set()
    thread.join(30)
    assert entered.is_set()
