from __future__ import annotations

import numpy as np
import pytest

from ncnc_core.kernels.overlap import GALLOP, first_at_least, list_common


@pytest.mark.parametrize(
    ("node", "place"),
    [
        (0, 1),  # before all of them: the start
        (4, 2),
        (5, 3),  # between two: the next
        (9, 4),  # past the last: the stop, though the array goes on
    ],
)
def test_first_place_that_is_not_below_a_node(node: int, place: int) -> None:
    assert first_at_least(np.array([3, 3, 4, 8, 20]), 1, 4, node) == place


@pytest.mark.parametrize("long", [8, 8 * GALLOP, 8 * GALLOP + 1, 500])  # walked, at the border, jumped through
@pytest.mark.parametrize("turned", [False, True])
def test_walking_and_jumping_find_the_same(long: int, turned: bool) -> None:
    short_row, long_row = np.array([0, 2, 5, 7, 90, 400, 499, 600]), np.arange(long) * 1
    expected = [node for node in short_row.tolist() if node < long]
    pointer, column = np.array([0, 8, 8 + long]), np.concatenate([short_row, long_row])
    first, second = (np.array([1]), np.array([0])) if turned else (np.array([0]), np.array([1]))
    found_pointer, found = np.empty(2, np.int64), np.empty(8, np.int64)
    count = list_common(pointer, column, pointer, column, first, second, found_pointer, found)
    assert found[:count].tolist() == expected
    assert found_pointer.tolist() == [0, len(expected)]
