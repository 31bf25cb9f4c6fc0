"""Common neighbours with what each of them weighs at several time scales: lists, and their sums, in one walk."""

from __future__ import annotations

from typing import Any, no_type_check

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ncnc_core.kernels.overlap import GALLOP, first_at_least

Array = NDArray[Any]  # numba compiles for the dtype it is given


@njit(cache=True, nogil=True)
@no_type_check
def list_timed_common(
    row_pointer: Array,
    column: Array,
    decay: Array,
    strength: Array,
    node_weight: Array,
    source: Array,
    target: Array,
    pointer: Array,
    found: Array,
    product: Array,
    sums: Array,
) -> int:
    """List N(i) ∩ N(j) of each pair, ascending, with the product of both edges' decay at each scale; return how many.

    `decay` [entries, scales], `strength` [nodes, scales], `node_weight` [nodes, weights]. A row of `sums` is: the sum
    of each node weight over the common neighbours, then for each scale the sum of the products, then the sum of each
    product over the neighbour's strength, then the largest product. Sums run in float64, in the order of the nodes.
    O(d_i + d_j) a pair, O(short * log(long)) where one row is GALLOP times as long.
    """
    scales, weights = decay.shape[1], node_weight.shape[1]
    total = np.zeros(weights + 3 * scales)
    count = 0
    pointer[0] = 0
    for row in range(source.size):
        total[:] = 0.0
        at, stop = row_pointer[source[row]], row_pointer[source[row] + 1]
        other, end = row_pointer[target[row]], row_pointer[target[row] + 1]
        near_jumps = stop - at > GALLOP * (end - other)
        far_jumps = end - other > GALLOP * (stop - at)
        while at < stop and other < end:
            a, b = column[at], column[other]
            if a == b:
                found[count] = a
                for one in range(weights):
                    total[one] += node_weight[a, one]
                for scale in range(scales):
                    both = decay[at, scale] * decay[other, scale]
                    product[count, scale] = both
                    total[weights + scale] += both
                    if both > 0.0:  # what is long past is 0, and so can the strength of its node be
                        total[weights + scales + scale] += both / strength[a, scale]
                    if both > total[weights + 2 * scales + scale]:
                        total[weights + 2 * scales + scale] = both
                count += 1
                at += 1
                other += 1
            elif a < b:
                at = first_at_least(column, at + 1, stop, b) if near_jumps else at + 1
            else:
                other = first_at_least(column, other + 1, end, a) if far_jumps else other + 1
        sums[row, :] = total
        pointer[row + 1] = count
    return count
