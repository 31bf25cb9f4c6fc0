"""Weighted paths of three steps between the two nodes of each pair, of which each step may weigh its own way."""

from __future__ import annotations

from typing import Any, no_type_check

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]  # numba compiles for the dtype it is given
SEARCH = 32  # so many entries are read in the time of one search
Steps = tuple[Array, Array, Array, Array, Array]  # rows, columns, weights of the first two steps, scales of u


@njit(cache=True, nogil=True)
@no_type_check
def _hubs_of(row_pointer: Array, column: Array, node: int, hub: int, hubs: Array) -> tuple[int, int, int]:
    """Note the entries of a row that lead to hubs; return how many, the steps through them, and those of a search."""
    count = to_walk = to_look = 0
    for entry in range(row_pointer[node], row_pointer[node + 1]):
        degree = row_pointer[column[entry] + 1] - row_pointer[column[entry]]
        if degree > hub:
            hubs[count] = entry
            count += 1
            to_walk += degree
            while degree > 0:
                to_look += 1
                degree >>= 1
    return count, to_walk, to_look


@njit(cache=True, nogil=True)
@no_type_check
def _walk(steps: Steps, first: int, reached: Array, is_reached: Array, touched: Array, count: int) -> int:
    """Add the steps through one neighbour to what is reached; return how many nodes are reached then."""
    row_pointer, column, first_weight, middle_weight, first_scale = steps
    u = column[first]
    for second in range(row_pointer[u], row_pointer[u + 1]):
        v = column[second]
        if not is_reached[v]:
            is_reached[v] = True
            touched[count] = v
            count += 1
        for kind in range(reached.shape[1]):
            reached[v, kind] += first_weight[first, kind] * first_scale[u, kind] * middle_weight[second, kind]
    return count


@njit(cache=True, nogil=True)
@no_type_check
def _entry_of(row_pointer: Array, column: Array, node: int, other: int) -> int:
    """Return the entry of a node's row that leads to another one, -1 where there is none."""
    place = row_pointer[node] + np.searchsorted(column[row_pointer[node] : row_pointer[node + 1]], other)
    return place if place < row_pointer[node + 1] and column[place] == other else -1


@njit(cache=True, nogil=True)
@no_type_check
def _look_up(steps: Steps, hubs: Array, v: int, total: Array) -> None:
    """Add the steps to v through each of the hubs, found in their rows."""
    row_pointer, column, first_weight, middle_weight, first_scale = steps
    for first in hubs:
        u = column[first]
        place = _entry_of(row_pointer, column, u, v)
        if place >= 0:
            for kind in range(total.size):
                total[kind] += first_weight[first, kind] * first_scale[u, kind] * middle_weight[place, kind]


@njit(cache=True, nogil=True)
@no_type_check
def sum_long_paths(
    row_pointer: Array,
    column: Array,
    first_weight: Array,
    middle_weight: Array,
    last_weight: Array,
    first_scale: Array,
    last_scale: Array,
    near: Array,
    group: Array,
    far: Array,
    out: Array,
    start: int,
    stop: int,
    hub: int,
) -> None:
    """Add up, for the pairs of groups start to stop, every path near - u - v - far.

    A path weighs first_weight(near, u) * middle_weight(u, v) * last_weight(far, v) * first_scale[u] * last_scale[v],
    once for each column of the weights [entries, kinds] and scales [nodes, kinds]: each entry is that of the row which
    is named first. Group g has the near end near[g] and the far ends far[group[g]:group[g + 1]].
    The walk of two steps from `near` is made once a group: O(sum of the degrees of its neighbours), and d_far a pair.
    A neighbour u of more than `hub` neighbours is not walked through where it is cheaper to look each v of the far ends
    up in its row, which is sorted. The row of a far end with many neighbours is not read where few nodes are reached:
    these are looked up in it. All ways add up the same numbers in the same order, hubs last, so that a pair's sums do
    not depend on the other pairs of its group.
    """
    kinds, nodes = first_weight.shape[1], row_pointer.size - 1
    reached, is_reached = np.zeros((nodes, kinds)), np.zeros(nodes, np.bool_)
    touched, hubs, total = np.empty(nodes, np.int64), np.empty(nodes, np.int64), np.empty(kinds)
    steps = (row_pointer, column, first_weight, middle_weight, first_scale)
    for one in range(start, stop):
        num_hubs, to_walk, to_look = _hubs_of(row_pointer, column, near[one], hub, hubs)
        ends = far[group[one] : group[one + 1]]
        looks = num_hubs > 0 and (row_pointer[ends + 1] - row_pointer[ends]).sum() * to_look < to_walk
        count = 0
        for first in range(row_pointer[near[one]], row_pointer[near[one] + 1]):
            if row_pointer[column[first] + 1] - row_pointer[column[first]] <= hub:
                count = _walk(steps, first, reached, is_reached, touched, count)
        looked = num_hubs if looks else 0  # hubs whose rows are searched
        for first in hubs[looked:num_hubs]:
            count = _walk(steps, first, reached, is_reached, touched, count)
        is_sorted = False
        for pair in range(group[one], group[one + 1]):
            out[pair] = 0.0
            low, high = row_pointer[far[pair]], row_pointer[far[pair] + 1]
            searches = not looks and count * SEARCH < high - low
            if searches and not is_sorted:
                touched[:count].sort()
                is_sorted = True
            asked = touched[:count] if searches else column[low:high]
            for number in range(asked.size):
                v = asked[number]
                last = _entry_of(row_pointer, column, far[pair], v) if searches else low + number
                if last >= 0 and (looks or is_reached[v]):
                    total[:] = reached[v]
                    _look_up(steps, hubs[:looked], v, total)
                    out[pair] += total * last_scale[v] * last_weight[last]
        for v in touched[:count]:
            is_reached[v] = False
            reached[v] = 0.0
