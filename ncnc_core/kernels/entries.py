"""The entries of compressed rows: found by halving a row, and copied with or without some of them in one pass."""

from __future__ import annotations

from typing import Any, no_type_check

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ncnc_core.kernels.overlap import first_at_least

Array = NDArray[Any]  # numba compiles for the dtype it is given


@njit(cache=True, nogil=True)
@no_type_check
def find_entries(row_pointer: Array, column: Array, first: Array, second: Array) -> Array:
    """Return where the entry (first, second) of each pair stands in `column`, or -1; O(log degree) a pair."""
    place = np.empty(first.size, dtype=np.int64)
    for pair in range(first.size):
        stop = row_pointer[first[pair] + 1]
        at = first_at_least(column, row_pointer[first[pair]], stop, second[pair])
        place[pair] = at if at < stop and column[at] == second[pair] else -1
    return place


@njit(cache=True, nogil=True)
@no_type_check
def entry_places(row_pointer: Array, column: Array, first: Array, second: Array) -> Array:
    """Return where the entry (first, second) of each pair would stand in `column`, and does if it is one."""
    place = np.empty(first.size, dtype=np.int64)
    for pair in range(first.size):
        start, stop = row_pointer[first[pair]], row_pointer[first[pair] + 1]
        place[pair] = first_at_least(column, start, stop, second[pair])
    return place


@njit(cache=True, nogil=True)
@no_type_check
def put_in(values: Array, places: Array, new: Array, whole: Array) -> None:
    """Copy all values with the `new` ones before those at the ascending `places`; O(values), a copy and no search."""
    start = 0
    for at in range(places.size):
        whole[start + at : places[at] + at] = values[start : places[at]]
        whole[places[at] + at] = new[at]
        start = places[at]
    whole[start + places.size :] = values[start:]


@njit(cache=True, nogil=True)
@no_type_check
def longer_rows(row_pointer: Array, rows: Array, pointer: Array) -> None:
    """Fill `pointer` with where rows begin when each of the ascending `rows` has an entry more."""
    more = 0
    for row in range(row_pointer.size):
        while more < rows.size and rows[more] < row:
            more += 1
        pointer[row] = row_pointer[row] + more


@njit(cache=True, nogil=True)
@no_type_check
def mark_neighbors(row_pointer: Array, column: Array, nodes: Array, is_marked: Array) -> None:
    """Set the mark of every neighbour of the nodes; O(sum of their degrees)."""
    for at in range(nodes.size):
        for entry in range(row_pointer[nodes[at]], row_pointer[nodes[at] + 1]):
            is_marked[column[entry]] = True


@njit(cache=True, nogil=True)
@no_type_check
def leave_out(values: Array, removed: Array, kept: Array) -> None:
    """Copy all values but those at the ascending places `removed`; O(values), a copy and no search."""
    start = 0
    for at in range(removed.size + 1):
        stop = removed[at] if at < removed.size else values.size
        kept[start - at : stop - at] = values[start:stop]
        start = stop + 1


@njit(cache=True, nogil=True)
@no_type_check
def shorter_rows(row_pointer: Array, removed: Array, pointer: Array) -> None:
    """Fill `pointer` with where rows begin without the entries at the ascending places `removed`."""
    gone = 0
    for row in range(row_pointer.size):
        while gone < removed.size and removed[gone] < row_pointer[row]:
            gone += 1
        pointer[row] = row_pointer[row] - gone


@njit(cache=True, nogil=True)
@no_type_check
def keep_entries(row_pointer: Array, column: Array, keep: Array, pointer: Array, kept: Array) -> int:
    """Copy the entries that `keep` marks, and return how many; `kept` has room for all of them and one more.

    Every entry is written and the next overwrites it where it was not to be kept: no branch that a random mask would
    mispredict every other time.
    """
    count = 0
    pointer[0] = 0
    for row in range(row_pointer.size - 1):
        for entry in range(row_pointer[row], row_pointer[row + 1]):
            kept[count] = column[entry]
            count += 1 if keep[entry] else 0
        pointer[row + 1] = count
    return count
