"""Sorted rows walked side by side: which neighbours two nodes share, and which only one of them has."""

from __future__ import annotations

from typing import Any, no_type_check

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]  # numba compiles for the dtype it is given

GALLOP = 16  # a row this many times as long as the other is jumped through, not walked


@njit(cache=True, nogil=True)
@no_type_check
def first_at_least(column: Array, start: int, stop: int, node: int) -> int:
    """Return the first place of the ascending column[start:stop] whose node is at least this one, or stop."""
    while start < stop:
        middle = (start + stop) >> 1
        if column[middle] < node:
            start = middle + 1
        else:
            stop = middle
    return start


@njit(cache=True, nogil=True)
@no_type_check
def list_common(
    near_pointer: Array,
    near_column: Array,
    far_pointer: Array,
    far_column: Array,
    near_node: Array,
    far_node: Array,
    pointer: Array,
    found: Array,
) -> int:
    """Write N_near(a) ∩ N_far(b) of each a, b into `found`, one list after the other; return how many there are.

    O(d_a + d_b) for rows of like length; where one is GALLOP times as long, O(short * log(long)): each step looks for
    the next node from where the last one was found.
    """
    count = 0
    pointer[0] = 0
    for row in range(near_node.size):
        at, stop = near_pointer[near_node[row]], near_pointer[near_node[row] + 1]
        other, end = far_pointer[far_node[row]], far_pointer[far_node[row] + 1]
        near_jumps = stop - at > GALLOP * (end - other)
        far_jumps = end - other > GALLOP * (stop - at)
        while at < stop and other < end:
            a, b = near_column[at], far_column[other]
            if a == b:
                found[count] = a
                count += 1
                at += 1
                other += 1
            elif a < b:
                at = first_at_least(near_column, at + 1, stop, b) if near_jumps else at + 1
            else:
                other = first_at_least(far_column, other + 1, end, a) if far_jumps else other + 1
        pointer[row + 1] = count
    return count


@njit(cache=True, nogil=True)
@no_type_check
def list_exclusive(
    row_pointer: Array,
    column: Array,
    node: Array,
    other: Array,
    common_pointer: Array,
    common: Array,
    skip_other: bool,
    limit: int,
    shift: Array,
    pointer: Array,
    found: Array,
    weight: Array,
) -> int:
    """Write N(node) minus N(other) of each row into `found`, at most `limit` evenly spaced; return how many.

    `common` are the lists to leave out. A whole row is walked once; of a thinned one only what is kept is touched, and
    the nodes left out are found by halving. A kept node weighs length / kept.
    """
    count = 0
    pointer[0] = 0
    for row in range(node.size):
        start, stop = row_pointer[node[row]], row_pointer[node[row] + 1]
        at, end = common_pointer[row], common_pointer[row + 1]
        place = first_at_least(column, start, stop, other[row]) if skip_other else stop
        joined = place < stop and column[place] == other[row]
        length = stop - start - (end - at) - (1 if joined else 0)
        if length <= limit:
            for entry in range(start, stop):
                if at < end and column[entry] == common[at]:
                    at += 1
                elif not (joined and entry == place):
                    found[count] = column[entry]
                    weight[count] = 1
                    count += 1
        else:
            count = _list_spaced(
                column, start, stop, common, at, end, place if joined else stop, length, limit, shift[row],
                count, found, weight,
            )  # fmt: skip
        pointer[row + 1] = count
    return count


@njit(cache=True, nogil=True)
@no_type_check
def _list_spaced(
    column: Array,
    start: int,
    stop: int,
    common: Array,
    at: int,
    end: int,
    place: int,
    length: int,
    limit: int,
    shift: float,
    count: int,
    found: Array,
    weight: Array,
) -> int:
    """Write `limit` of the row's entries that are neither in common[at:end] nor at `place`, if that is below stop."""
    skipped = 0  # entries left out so far
    shared = first_at_least(column, start, stop, common[at]) if at < end else stop
    for step in range(limit):
        wanted = min(int(np.floor((step + shift) * length / limit)), length - 1)
        while min(shared, place) < stop and min(shared, place) - start - skipped <= wanted:
            skipped += 1
            if shared < place:
                at += 1
                shared = first_at_least(column, shared + 1, stop, common[at]) if at < end else stop
            else:
                place = stop
        found[count] = column[start + wanted + skipped]
        weight[count] = length / limit
        count += 1
    return count
