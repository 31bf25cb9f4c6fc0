"""Weighted paths of three steps between the two nodes of each pair, of which each step may weigh its own way."""

from __future__ import annotations

from typing import Any, no_type_check

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]  # numba compiles for the dtype it is given


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
) -> None:
    """Add up, for the pairs of groups start to stop, every path near - u - v - far.

    A path weighs first_weight(near, u) * middle_weight(u, v) * last_weight(far, v) * first_scale[u] * last_scale[v],
    once for each column of the weights [entries, kinds] and scales [nodes, kinds]: each entry is that of the row which
    is named first. Group g has the near end near[g] and the far ends far[group[g]:group[g + 1]].
    The walk of two steps from `near` is made once a group: O(sum of the degrees of its neighbours), and d_far a pair.
    """
    reached = np.zeros((row_pointer.size - 1, first_weight.shape[1]))
    is_reached = np.zeros(row_pointer.size - 1, np.bool_)
    touched = np.empty(row_pointer.size - 1, np.int64)
    for one in range(start, stop):
        count = 0
        for first in range(row_pointer[near[one]], row_pointer[near[one] + 1]):
            u = column[first]
            for second in range(row_pointer[u], row_pointer[u + 1]):
                v = column[second]
                if not is_reached[v]:
                    is_reached[v] = True
                    touched[count] = v
                    count += 1
                reached[v] += first_weight[first] * first_scale[u] * middle_weight[second]
        for pair in range(group[one], group[one + 1]):
            out[pair] = 0.0
            for last in range(row_pointer[far[pair]], row_pointer[far[pair] + 1]):
                v = column[last]
                if is_reached[v]:
                    out[pair] += reached[v] * last_scale[v] * last_weight[last]
        for place in range(count):
            v = touched[place]
            is_reached[v] = False
            reached[v] = 0.0
