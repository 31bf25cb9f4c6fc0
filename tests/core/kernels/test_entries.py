from __future__ import annotations

import itertools

import numpy as np

from ncnc_core.kernels.entries import find_entries, keep_entries, leave_out

POINTER, COLUMN = np.array([0, 2, 2, 5]), np.array([1, 2, 0, 1, 2])  # row 1 is empty


def test_entries_are_found_in_their_own_row_alone() -> None:
    first, second = np.array([0, 0, 1, 2, 2, 0]), np.array([2, 0, 1, 2, 0, 3])
    assert find_entries(POINTER, COLUMN, first, second).tolist() == [1, -1, -1, 4, 2, -1]


def test_left_out_entries_shift_the_rows_behind_them() -> None:
    for removed, rows in (
        ([], [[1, 2], [], [0, 1, 2]]),
        ([1, 2], [[1], [], [1, 2]]),
        ([0, 1, 4], [[], [], [0, 1]]),
        ([0, 1, 2, 3, 4], [[], [], []]),
    ):
        pointer, kept = np.empty(4, np.int64), np.empty(5 - len(removed), np.int64)
        leave_out(POINTER, COLUMN, np.array(removed, np.int64), pointer, kept)
        assert [kept[a:b].tolist() for a, b in itertools.pairwise(pointer)] == rows


def test_kept_entries_stay_in_their_rows() -> None:
    pointer, kept = np.empty(4, np.int64), np.empty(6, np.int64)
    count = keep_entries(POINTER, COLUMN, np.array([False, True, True, False, True]), pointer, kept)
    assert kept[:count].tolist() == [2, 0, 2]
    assert pointer.tolist() == [0, 1, 1, 3]
