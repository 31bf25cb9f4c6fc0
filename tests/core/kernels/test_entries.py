from __future__ import annotations

import itertools

import numpy as np

from ncnc_core.kernels.entries import (
    entry_places,
    find_entries,
    keep_entries,
    leave_out,
    longer_rows,
    put_in,
    shorter_rows,
)

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
        leave_out(COLUMN, np.array(removed, np.int64), kept)
        shorter_rows(POINTER, np.array(removed, np.int64), pointer)
        assert [kept[a:b].tolist() for a, b in itertools.pairwise(pointer)] == rows


def test_kept_entries_stay_in_their_rows() -> None:
    pointer, kept = np.empty(4, np.int64), np.empty(6, np.int64)
    count = keep_entries(POINTER, COLUMN, np.array([False, True, True, False, True]), pointer, kept)
    assert kept[:count].tolist() == [2, 0, 2]
    assert pointer.tolist() == [0, 1, 1, 3]


def test_entries_are_put_in_where_their_row_has_them_sorted() -> None:
    for entries, rows in (
        ([], [[1, 2], [], [0, 1, 2]]),
        ([(0, 0), (0, 3), (1, 4), (2, 3)], [[0, 1, 2, 3], [4], [0, 1, 2, 3]]),
        ([(1, 5), (1, 7)], [[1, 2], [5, 7], [0, 1, 2]]),
    ):
        row, column = (np.array([one[end] for one in entries], np.int64) for end in (0, 1))
        places = entry_places(POINTER, COLUMN, row, column)
        pointer, whole = np.empty(4, np.int64), np.empty(5 + len(entries), np.int64)
        put_in(COLUMN, places, column, whole)
        longer_rows(POINTER, row, pointer)
        assert [whole[a:b].tolist() for a, b in itertools.pairwise(pointer)] == rows
    assert entry_places(POINTER, COLUMN, np.array([0, 2]), np.array([2, 1])).tolist() == [1, 3]
