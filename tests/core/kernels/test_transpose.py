from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ncnc_core.kernels.transpose import transpose_lists


@given(st.lists(st.lists(st.integers(0, 5), max_size=6), max_size=6))
def test_transpose_lists_each_columns_entries_in_their_order(rows: list[list[int]]) -> None:
    row_pointer = np.cumsum([0, *[len(row) for row in rows]])
    column = np.array([node for row in rows for node in row], dtype=np.int64)
    pointer, row, entry = np.empty(7, np.int64), np.empty_like(column), np.empty_like(column)
    transpose_lists(row_pointer, column, pointer, row, entry)
    owner = np.repeat(np.arange(len(rows)), np.diff(row_pointer))
    order = np.argsort(column, kind="stable")
    assert entry.tolist() == order.tolist()
    assert row.tolist() == owner[order].tolist()
    assert pointer.tolist() == np.searchsorted(column[order], np.arange(7)).tolist()
