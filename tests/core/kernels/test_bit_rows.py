from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ncnc_core.kernels import bit_rows as kernels
from ncnc_core.overlap import dense_tensors as plain

SIZE = 130  # three words, the last of two bits: the walk must not run past the end
WORDS = 3


def random_rows(seed: int, density: float) -> tuple[np.ndarray, torch.Tensor]:
    """Rows that are not symmetric, as edge dropout leaves them; row 0 empty, row 1 full."""
    dense = torch.rand(SIZE, SIZE, generator=torch.Generator().manual_seed(seed)) < density
    dense[0], dense[1] = False, True
    pointer = torch.zeros(SIZE + 1, dtype=torch.int64)
    pointer[1:] = dense.sum(1).cumsum(0)
    bits = np.zeros((SIZE, WORDS), np.uint64)
    kernels.pack_rows(pointer.numpy(), dense.nonzero()[:, 1].contiguous().numpy(), bits)
    return bits, dense


def as_tensor(bits: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(bits.view(np.int64))


def some_pairs(seed: int) -> torch.Tensor:
    random = torch.randint(SIZE, (2, 40), generator=torch.Generator().manual_seed(seed))
    return torch.cat([random, torch.tensor([[0, 1, 1, 5, 129], [1, 0, 1, 5, 128]])], 1)  # empty, full, self, last


graphs = st.tuples(st.integers(0, 2**20), st.sampled_from([0.0, 0.05, 0.5, 1.0]))


@given(graphs)
def test_packed_rows_unpack_to_the_same_matrix(graph: tuple[int, float]) -> None:
    bits, dense = random_rows(*graph)
    assert torch.equal(plain.unpack_rows(as_tensor(bits), torch.arange(SIZE))[:, :SIZE], dense)


@given(graphs)
def test_list_of_bits_is_the_list_of_entries(graph: tuple[int, float]) -> None:
    bits, dense = random_rows(*graph)
    out = np.empty((2, int(dense.sum())), np.int64)
    half = kernels.list_bits(bits, 0, SIZE // 2, out)
    rest = kernels.list_bits(bits, SIZE // 2, SIZE, np.ascontiguousarray(out[:, half:]))
    assert half + rest == out.shape[1]
    kernels.list_bits(bits, 0, SIZE, out)
    assert torch.equal(torch.from_numpy(out), dense.nonzero().T)


@pytest.mark.parametrize("channels", [1, 9])
@given(graphs)
def test_pooling_equals_masks_times_the_matrix(channels: int, graph: tuple[int, float]) -> None:
    bits, _ = random_rows(*graph)
    pairs = some_pairs(graph[0])
    generator = torch.Generator().manual_seed(graph[0])
    values = torch.randn(SIZE, channels, generator=generator, dtype=torch.float64)
    gradient = torch.randn(pairs.shape[1], channels, generator=generator, dtype=torch.float64)
    belief = torch.rand(SIZE, SIZE, generator=generator)
    count = pairs.shape[1]
    arrays = bits, pairs.numpy()
    for skip in (False, True):
        pooled, spread = torch.empty(count, channels, dtype=torch.float64), torch.zeros_like(values)
        for start, stop in ((0, 7), (7, count)):
            kernels.pool_completed(*arrays, belief.numpy(), skip, values.numpy(), pooled.numpy(), start, stop)
        kernels.spread_completed(*arrays, belief.numpy(), skip, gradient.numpy(), spread.numpy(), 0, channels)
        torch.testing.assert_close(pooled, plain.pool(values, as_tensor(bits), pairs, belief, skip))
        torch.testing.assert_close(spread, plain.spread(gradient, as_tensor(bits), pairs, belief, skip))
    kernels.pool_common(*arrays, values.numpy(), pooled.numpy(), 0, count)
    torch.testing.assert_close(pooled, plain.pool(values, as_tensor(bits), pairs, None, True))
    spread = torch.zeros_like(values)
    for low, high in ((0, channels // 2), (channels // 2, channels)):
        kernels.spread_common(*arrays, gradient.numpy(), spread.numpy(), low, high)
    torch.testing.assert_close(spread, plain.spread(gradient, as_tensor(bits), pairs, None, True))


@pytest.mark.parametrize("skip_other", [False, True])
@given(graphs)
def test_marked_links_are_those_of_the_plain_twin(skip_other: bool, graph: tuple[int, float]) -> None:
    bits, _ = random_rows(*graph)
    pairs = some_pairs(graph[0])
    wanted = np.zeros_like(bits)
    kernels.mark_missing(bits, pairs.numpy(), skip_other, wanted)
    marked = plain.unpack_rows(as_tensor(wanted), torch.arange(SIZE))[:, :SIZE].nonzero().T
    assert torch.equal(marked, plain.missing_links(as_tensor(bits), pairs, skip_other))
