from __future__ import annotations

import numpy as np
import pytest

from ncnc_core.kernels.dropout import drop


def mixed(x: int) -> int:
    x = (x ^ (x >> 16)) * 0x7FEB352D % 2**32
    x = (x ^ (x >> 15)) * 0x846CA68B % 2**32
    return x ^ (x >> 16)


@pytest.mark.parametrize("below", [0, 2**31, 2**32 - 1])  # keeps all, half, next to none
def test_mask_is_the_hash_written_in_plain_integers(below: int) -> None:
    seeds = 0xFFFFFFF0, 12345  # the first wraps around 2^32 after 16 places
    values = np.arange(1, 41, dtype=np.float32)
    out = np.empty_like(values)
    drop(values, *map(np.uint32, seeds), np.uint32(below), np.float32(2), out)
    kept = [mixed(mixed((place + seeds[0]) % 2**32) ^ seeds[1]) >= below for place in range(40)]
    assert out.tolist() == [2 * value if keep else 0.0 for value, keep in zip(values.tolist(), kept, strict=True)]
