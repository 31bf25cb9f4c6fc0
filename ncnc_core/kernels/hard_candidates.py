"""The nodes near one node: by personalised PageRank, by resource allocation, and the best of both that are no edges."""

from __future__ import annotations

from typing import Any, no_type_check

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ncnc_core.kernels.neighbor_sampler import uniform_hash
from ncnc_core.kernels.overlap import first_at_least

Array = NDArray[Any]  # numba compiles for the dtype it is given
Whole = Any  # int, np.int64 and np.uint64: numba tells them apart, a caller need not


@njit(cache=True, nogil=True)
@no_type_check
def push_page_rank(
    row_pointer: Array,
    column: Array,
    source: Whole,
    teleport: float,
    epsilon: float,
    page_rank: Array,
    residual: Array,
    waiting: Array,
    queue: Array,
    touched: Array,
) -> int:
    """Write a node's approximate personalised PageRank; return how many nodes were touched, listed in `touched`.

    Forward push: what is left at a node above epsilon * degree is settled there by the teleport share and passed on to
    its neighbours. Each value is at most epsilon * degree too low. O(1 / (epsilon * teleport)) whatever the graph.
    The arrays are as long as the graph, zero (`waiting` False) on entry; `queue` is a ring in order of arrival.
    Source: Andersen, Chung, Lang, Local graph partitioning using PageRank vectors, 2006.
    """
    residual[source] = 1.0
    touched[0] = source
    count, head, length = 1, 0, 1
    queue[0] = source
    waiting[source] = True
    while length > 0:
        node = queue[head]
        head = head + 1 if head + 1 < queue.size else 0
        length -= 1
        waiting[node] = False
        start, stop = row_pointer[node], row_pointer[node + 1]
        left = residual[node]
        residual[node] = 0.0
        if start == stop:  # nowhere to go: all of it stays
            page_rank[node] += left
            continue
        page_rank[node] += teleport * left
        share = (1.0 - teleport) * left / (stop - start)
        for entry in range(start, stop):
            other = column[entry]
            if residual[other] == 0.0 and page_rank[other] == 0.0:
                touched[count] = other
                count += 1
            residual[other] += share
            if not waiting[other] and residual[other] > epsilon * (row_pointer[other + 1] - row_pointer[other]):
                place = head + length
                queue[place if place < queue.size else place - queue.size] = other
                waiting[other] = True
                length += 1
    return count


@njit(cache=True, nogil=True)
@no_type_check
def allocate_from(row_pointer: Array, column: Array, source: Whole, allocation: Array, touched: Array) -> int:
    """Write the resource allocation between a node and every node two steps away; return how many were touched.

    Sums 1 / degree over the shared neighbours, in the order of their numbers. `allocation` is as long as the graph and
    zero on entry. O(sum of the neighbours' degrees): a hub's is a walk over most of the graph.
    """
    count = 0
    for entry in range(row_pointer[source], row_pointer[source + 1]):
        middle = column[entry]
        start, stop = row_pointer[middle], row_pointer[middle + 1]
        weight = 1.0 / (stop - start)
        for further in range(start, stop):
            other = column[further]
            if other != source:
                if allocation[other] == 0.0:
                    touched[count] = other
                    count += 1
                allocation[other] += weight
    return count


@njit(cache=True, nogil=True)
@no_type_check
def best_allowed(
    nodes: Array,
    count: Whole,
    first: Array,
    second: Array,
    source: Whole,
    forbidden: Array,
    wanted: Whole,
    seed: Whole,
    best: Array,
) -> int:
    """Write the nodes of highest first, then second score that may stand beside `source`; return how many, <= wanted.

    Equal ones are in the order of a hash of seed, source and node: by their numbers, the oldest would win every tie.
    `forbidden` are sorted `pair_keys`; only what would be taken is looked up. O(count + taken * wanted).
    """
    kept, size = 0, first.size
    for item in range(count):
        node = nodes[item]
        if node == source or first[node] <= 0.0:
            continue
        if kept == wanted and not _precedes(node, best[kept - 1], first, second, source * size, seed):
            continue
        key = min(node, source) * size + max(node, source)
        place = first_at_least(forbidden, 0, forbidden.size, key)
        if place < forbidden.size and forbidden[place] == key:
            continue
        at = kept if kept < wanted else wanted - 1
        kept = at + 1
        while at > 0 and _precedes(node, best[at - 1], first, second, source * size, seed):
            best[at] = best[at - 1]
            at -= 1
        best[at] = node
    return kept


@njit(cache=True, nogil=True)
@no_type_check
def _precedes(one: Whole, other: Whole, first: Array, second: Array, base: Whole, seed: Whole) -> bool:
    if first[one] != first[other]:
        return first[one] > first[other]
    if second[one] != second[other]:
        return second[one] > second[other]
    return uniform_hash(seed, base + one) < uniform_hash(seed, base + other)


@njit(cache=True, nogil=True)
@no_type_check
def _interleave(one: Array, many: Whole, other: Array, more: Whole, taken: Array, found: Array) -> None:
    """Fill `found` with two rankings in turn, each node once, then -1; `taken`, as long as the graph, stays False."""
    wanted, kept = found.size, 0
    for rank in range(wanted):
        if rank < many and kept < wanted and not taken[one[rank]]:
            found[kept] = one[rank]
            taken[one[rank]] = True
            kept += 1
        if rank < more and kept < wanted and not taken[other[rank]]:
            found[kept] = other[rank]
            taken[other[rank]] = True
            kept += 1
    for item in range(kept):
        taken[found[item]] = False
    found[kept:] = -1


@njit(cache=True, nogil=True)
@no_type_check
def hard_candidates(
    row_pointer: Array,
    column: Array,
    forbidden: Array,
    sources: Array,
    start: Whole,
    stop: Whole,
    teleport: float,
    epsilon: float,
    seed: Whole,
    found: Array,
) -> None:
    """Fill found[start:stop] with the hardest partners of each source, [sources, wanted], -1 where there are fewer.

    A candidate's rank is the better of its rank by resource allocation and its rank by PageRank; of two equal ones the
    former goes first. Memory: eight arrays as long as the graph, wiped where they were touched.
    """
    size, wanted = row_pointer.size - 1, found.shape[1]
    page_rank, residual, allocation = np.zeros(size), np.zeros(size), np.zeros(size)
    waiting = np.zeros(size, dtype=np.bool_)
    queue, near, shared = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size, np.int64)
    by_rank, by_share = np.empty(wanted, np.int64), np.empty(wanted, np.int64)
    taken = np.zeros(size, dtype=np.bool_)
    for row in range(start, stop):
        source = sources[row]
        reached = push_page_rank(
            row_pointer, column, source, teleport, epsilon, page_rank, residual, waiting, queue, near
        )
        sharing = allocate_from(row_pointer, column, source, allocation, shared)
        many = best_allowed(near, reached, page_rank, allocation, source, forbidden, wanted, seed, by_rank)
        more = best_allowed(shared, sharing, allocation, page_rank, source, forbidden, wanted, seed, by_share)
        _interleave(by_share, more, by_rank, many, taken, found[row])
        for item in range(reached):
            page_rank[near[item]] = 0.0
            residual[near[item]] = 0.0
        for item in range(sharing):
            allocation[shared[item]] = 0.0
