from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from ncnc_core.pair_product import pair_product

pair_lists = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12)


@given(pair_lists, st.integers(0, 99))
def test_value_and_gradient_equal_those_of_two_gathers_and_a_product(pairs: list[tuple[int, int]], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    both = torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).T  # not contiguous: the kernel sees to it
    values = torch.rand(5, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    upstream = torch.rand(len(pairs), 3, generator=generator, dtype=torch.float64)
    ours, twin = pair_product(values, both), values[both[0]] * values[both[1]]
    assert torch.equal(ours, twin)
    torch.testing.assert_close(torch.autograd.grad(ours, values, upstream), torch.autograd.grad(twin, values, upstream))


def test_bfloat16_goes_the_plain_way() -> None:
    values = torch.tensor([[2.0], [3.0]], dtype=torch.bfloat16)
    assert pair_product(values, torch.tensor([[0], [1]])).dtype == torch.bfloat16


def test_threads_sharing_the_channels_leave_the_gradient_as_it_was() -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.rand(50, 96, generator=generator, requires_grad=True)
    pairs = torch.randint(50, (2, 40_000), generator=generator)
    before, gradients = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            gradients += torch.autograd.grad(pair_product(values, pairs).sum(), values)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*gradients)
