from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from ncnc_core.networks.pair_head import PairHead, pair_product


def head(**changes: bool) -> PairHead:
    torch.manual_seed(0)
    options = {
        "layer_norm": True,
        "neighbor_transform": True,
        "neighbor_output_linear": False,
        "two_layer_head": False,
    }
    return PairHead(channels=4, dropout=0.0, beta=0.7, **{**options, **changes})


def test_logit_is_its_formula() -> None:
    blocks, h, pooled = head(), torch.rand(5, 4), torch.rand(2, 4)
    pairs = torch.tensor([[0, 1], [2, 3]])
    z = 0.7 * blocks.neighbor_mlp(pooled) + blocks.pair_mlp(h[[0, 1]] * h[[2, 3]])
    torch.testing.assert_close(blocks(h, pairs, pooled), blocks.readout(z).squeeze(-1))


def test_order_of_the_blocks_is_the_published_one() -> None:
    blocks = head(neighbor_output_linear=True, two_layer_head=True)
    names = {name: [type(layer).__name__ for layer in module] for name, module in blocks.named_children()}
    assert names == {
        "neighbor_transform": ["Linear", "Dropout", "ReLU", "Linear", "LayerNorm", "Dropout", "ReLU"],
        "neighbor_mlp": ["Linear", "Dropout", "ReLU", "Linear", "LayerNorm", "Dropout", "ReLU", "Linear"],
        "pair_mlp": ["Linear", "LayerNorm", "Dropout", "ReLU", "Linear"],
        "readout": ["Linear", "LayerNorm", "Dropout", "ReLU"] * 2 + ["Linear"],
    }


def test_without_transform_a_node_contributes_its_embedding() -> None:
    h = torch.rand(3, 4)
    assert head(neighbor_transform=False).node_values(h) is h


def test_empty_neighbourhoods_told_apart_give_the_same_logits() -> None:
    blocks, h = head().eval(), torch.rand(5, 4)
    pairs, pooled = torch.tensor([[0, 1, 2], [2, 3, 4]]), torch.rand(3, 4)
    pooled[1] = 0
    with torch.no_grad():
        spared = blocks(h, pairs, pooled[[0, 2]], occupied=torch.tensor([0, 2]))
        torch.testing.assert_close(spared, blocks(h, pairs, pooled))


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
