"""The likeliest partners of one node by what two and three random steps reach, and by degree."""

from __future__ import annotations

from typing import Any, no_type_check

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]  # numba compiles for the dtype it is given
Whole = Any  # int and np.int64: numba tells them apart, a caller need not


@njit(cache=True, nogil=True)
@no_type_check
def step_on(
    row_pointer: Array, column: Array, source: Whole, nodes: Array, count: Whole, least: float, old: Array, new: Array,
    touched: Array,
) -> int:  # fmt: skip
    """Walk one random step on from the nodes that hold anything; return how many were reached, listed in `touched`.

    Where less than `least` would go along each edge the walk ends: what is walked is then at most old.sum() / least
    edges, whatever the graph. Nothing comes to the source. `new` is as long as the graph and zero on entry.
    """
    reached = 0
    for item in range(count):
        node = nodes[item]
        start, stop = row_pointer[node], row_pointer[node + 1]
        share = old[node] / (stop - start)
        if share < least:
            continue
        for entry in range(start, stop):
            other = column[entry]
            if other != source:
                if new[other] == 0.0:
                    touched[reached] = other
                    reached += 1
                new[other] += share
    return reached


@njit(cache=True, nogil=True)
@no_type_check
def _worse(one: Whole, other: Whole, value: Array, busy_rank: Array) -> bool:
    if value[one] != value[other]:
        return value[one] < value[other]
    return busy_rank[one] > busy_rank[other]


@njit(cache=True, nogil=True)
@no_type_check
def _sink(heap: Array, size: Whole, value: Array, busy_rank: Array) -> None:
    """Move the first item of a heap, whose first is the worst, down to where it belongs."""
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            return
        if child + 1 < size and _worse(heap[child + 1], heap[child], value, busy_rank):
            child += 1
        if not _worse(heap[child], heap[at], value, busy_rank):
            return
        heap[at], heap[child] = heap[child], heap[at]
        at = child


@njit(cache=True, nogil=True)
@no_type_check
def take_best(
    nodes: Array, count: Whole, value: Array, busy_rank: Array, taken: Array, wanted: Whole, heap: Array
) -> int:
    """Put the nodes of highest value that are not taken into `heap`, mark them, return how many; O(count log wanted).

    Of equal ones the busier goes first: the thousands of leaves that hang on one provider are all equal.
    """
    size = 0
    for item in range(count):
        node = nodes[item]
        if taken[node]:
            continue
        if size < wanted:
            at = size
            heap[at] = node
            size += 1
            while at > 0 and _worse(heap[at], heap[(at - 1) >> 1], value, busy_rank):
                heap[at], heap[(at - 1) >> 1] = heap[(at - 1) >> 1], heap[at]
                at = (at - 1) >> 1
        elif size > 0 and _worse(heap[0], node, value, busy_rank):
            heap[0] = node
            _sink(heap, size, value, busy_rank)
    for item in range(size):
        taken[heap[item]] = True
    return size


@njit(cache=True, nogil=True)
@no_type_check
def _fill_up(nodes: Array, taken: Array, out: Array, count: Whole) -> int:
    """Add nodes that are not taken at the end of `out`, in their order, until it is full; return how many it has."""
    for node in nodes:
        if count == out.size:
            break
        if not taken[node]:
            out[count] = node
            taken[node] = True
            count += 1
    return count


@njit(cache=True, nogil=True)
@no_type_check
def shortlists(
    row_pointer: Array,
    column: Array,
    busiest: Array,
    busy_rank: Array,
    sources: Array,
    start: Whole,
    stop: Whole,
    exclude_known: bool,
    near: Array,
    least: float,
    room: Array,
    found: Array,
    filled: Array,
) -> None:
    """Fill found[room[r] : room[r] + filled[r]] with the candidates of sources[r], ascending, for start <= r < stop.

    In this order, each with what is not taken yet: known neighbours, unless excluded; near[r] nodes by the second step
    (resource allocation); by the third, its value times the root of the degree, until there are twice as many; then the
    busiest until the room is full. Memory: five arrays as long as the graph, wiped where they were touched.
    """
    size = row_pointer.size - 1
    first, second, third = np.zeros(size), np.zeros(size), np.zeros(size)
    two, three, heap = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size, np.int64)
    taken = np.zeros(size, dtype=np.bool_)
    for row in range(start, stop):
        source = sources[row]
        neighbors = column[row_pointer[source] : row_pointer[source + 1]]
        out = found[room[row] : room[row + 1]]
        count = 0
        taken[source] = True
        for other in neighbors:
            first[other] = 1.0 / neighbors.size
            taken[other] = True
            if not exclude_known:
                out[count] = other
                count += 1
        known = count
        reached = step_on(row_pointer, column, source, neighbors, neighbors.size, least, first, second, two)
        further = step_on(row_pointer, column, source, two, reached, least, second, third, three)
        for item in range(further):
            third[three[item]] *= np.sqrt(row_pointer[three[item] + 1] - row_pointer[three[item]])
        best = take_best(two, reached, second, busy_rank, taken, near[row], heap)
        out[count : count + best] = heap[:best]
        count += best
        best = take_best(three, further, third, busy_rank, taken, known + 2 * near[row] - count, heap)
        out[count : count + best] = heap[:best]
        count += best
        count = _fill_up(busiest, taken, out, count)
        filled[row] = count
        out[:count].sort()
        first[neighbors] = 0.0
        second[two[:reached]] = 0.0
        third[three[:further]] = 0.0
        taken[neighbors] = False
        taken[out[:count]] = False
        taken[source] = False
