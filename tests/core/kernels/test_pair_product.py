from __future__ import annotations

import numpy as np

from ncnc_core.kernels.pair_product import multiply, spread

VALUES = np.arange(1, 9, dtype=np.float64).reshape(4, 2)
FIRST, SECOND = np.array([0, 3, 1]), np.array([1, 3, 0])


def test_only_the_rows_asked_for_are_written() -> None:
    out = np.full((3, 2), -1.0)
    multiply(VALUES, FIRST, SECOND, out, 1, 3)
    assert out.tolist() == [[-1, -1], [49, 64], [3, 8]]


def test_gradient_reaches_both_ends_and_a_node_with_itself_twice_in_the_channels_asked_for() -> None:
    out = np.zeros_like(VALUES)
    spread(np.ones((3, 2)), VALUES, FIRST, SECOND, out, 0, 1)
    assert out.tolist() == [[6, 0], [2, 0], [0, 0], [14, 0]]
