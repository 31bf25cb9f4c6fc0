"""The transpose of lists of nodes, by counting: no sort."""

from __future__ import annotations

from typing import Any, no_type_check

from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]  # numba compiles for the dtype it is given


@njit(cache=True, nogil=True)
@no_type_check
def transpose_lists(row_pointer: Array, column: Array, pointer: Array, row: Array, entry: Array) -> None:
    """Fill `pointer` [columns + 1], and for each entry of the transpose its row and its place among the entries given.

    Entries of one column keep their order, so sums over them are repeatable. O(entries + columns).
    """
    pointer[:] = 0
    for place in range(column.size):
        pointer[column[place] + 1] += 1
    for node in range(pointer.size - 1):
        pointer[node + 1] += pointer[node]
    for owner in range(row_pointer.size - 1):
        for place in range(row_pointer[owner], row_pointer[owner + 1]):
            target = pointer[column[place]]
            row[target] = owner
            entry[target] = place
            pointer[column[place]] = target + 1
    for node in range(pointer.size - 1, 0, -1):  # each start has moved to its end: move them back by one node
        pointer[node] = pointer[node - 1]
    pointer[0] = 0
