"""The loops of the sampled mode: thinned rows, thinned overlaps, and their renumbering.

PyTorch Geometric's NeighborLoader and LinkNeighborLoader would draw the rows, but need pyg-lib or torch-sparse, which
have no wheels for current torch; and neither knows overlaps.

All kernels read one graph the same way: `row_pointer`, `column` as in `Adjacency`; `removed`, the sorted places in
`column` of the entries that are hidden (target link removal); and `touched`, which nodes have any. A row is thinned to
`limit` entries evenly spaced along what is left of it, see `spaced_places`: shifted by a half in
scoring (`seed` 0), so that the choice depends on the node alone, and by a hash of seed and node in training.
"""

from __future__ import annotations

from typing import Any, no_type_check

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ncnc_core.kernels.overlap import first_at_least

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]
Whole = Any  # int, np.int64 and np.uint64: numba tells them apart, a caller need not

NO_LIMIT = np.int64(2**62)


@njit(cache=True, nogil=True)
@no_type_check
def uniform_hash(seed: Whole, key: Whole) -> float:
    """Return a number in [0, 1) that seed and key alone decide: the finaliser of SplitMix64 (Steele et al., 2014)."""
    z = (np.uint64(key) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) ^ seed
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return float(z >> np.uint64(11)) / 9007199254740992.0  # 2^53: every value is exact in float64


@njit(cache=True, nogil=True)
@no_type_check
def left_degree(row_pointer: Ints, removed: Ints, touched: Flags, node: Whole) -> tuple[Whole, Whole]:
    """Return the length of a row without what is removed, and where its removed entries begin in `removed`."""
    start, stop = row_pointer[node], row_pointer[node + 1]
    none = np.int64(removed.size)
    if not touched[node]:  # all but a few nodes: no search
        return stop - start, none
    first = first_at_least(removed, np.int64(0), none, start)
    last = first_at_least(removed, first, none, stop)
    return stop - start - (last - first), first


@njit(cache=True, nogil=True)
@no_type_check
def spaced_shift(seed: Whole, key: Whole) -> float:
    """Return where in the first interval the first entry is taken: the middle, or by the seed."""
    return 0.5 if seed == np.uint64(0) else uniform_hash(seed, key)


@njit(cache=True, nogil=True)
@no_type_check
def spaced_place(number: Whole, length: Whole, kept: Whole, shift: float) -> Whole:
    """Return the place of entry `number` of `kept` in a list of `length`."""
    if kept == length:
        return number
    return min(np.int64(np.floor((number + shift) * length / kept)), length - 1)


@njit(cache=True, nogil=True)
@no_type_check
def thin_row(
    row_pointer: Ints,
    column: Ints,
    removed: Ints,
    touched: Flags,
    node: Whole,
    limit: Whole,
    seed: Whole,
    chosen: Ints,
    at: Whole,
) -> Whole:
    """Write a row's thinned places in `column` to chosen[at:], ascending, and return how many; O(kept + log)."""
    length, hidden = left_degree(row_pointer, removed, touched, node)
    kept = min(length, limit)
    shift = spaced_shift(seed, node)
    passed = np.int64(0)
    for number in range(kept):
        entry = row_pointer[node] + spaced_place(number, length, kept, shift) + passed
        while hidden < removed.size and removed[hidden] <= entry:
            hidden, passed, entry = hidden + 1, passed + 1, entry + 1
        chosen[at + number] = entry
    return kept


@njit(cache=True, nogil=True)
@no_type_check
def thin_rows(
    row_pointer: Ints, column: Ints, removed: Ints, touched: Flags, nodes: Ints, limit: Whole, seed: Whole
) -> tuple[Ints, Ints, Ints]:
    """Return the thinned rows of some nodes: pointer [nodes + 1], places in `column`, and the full lengths [nodes].

    Cost O(sum of min(degree, limit)), however large the graph.
    """
    pointer = np.zeros(nodes.size + 1, dtype=np.int64)
    degree = np.empty(nodes.size, dtype=np.int64)
    for row in range(nodes.size):
        degree[row] = left_degree(row_pointer, removed, touched, nodes[row])[0]
        pointer[row + 1] = pointer[row] + min(degree[row], limit)
    chosen = np.empty(pointer[-1], dtype=np.int64)
    for row in range(nodes.size):
        thin_row(row_pointer, column, removed, touched, nodes[row], limit, seed, chosen, pointer[row])
    return pointer, chosen, degree


@njit(cache=True, nogil=True)
@no_type_check
def left_degrees(row_pointer: Ints, removed: Ints, touched: Flags, nodes: Ints) -> Ints:
    """Return the lengths of some rows without what is removed, [nodes]."""
    degree = np.empty(nodes.size, dtype=np.int64)
    for row in range(nodes.size):
        degree[row] = left_degree(row_pointer, removed, touched, nodes[row])[0]
    return degree


@njit(cache=True, nogil=True)
@no_type_check
def degrees_around(
    row_pointer: Ints, column: Ints, removed: Ints, touched: Flags, nodes: Ints, limit: Whole, seed: Whole
) -> tuple[Floats, Floats]:
    """Return the mean and the largest degree among the neighbours in each node's thinned row, [nodes], 0 without any.

    Rows and degrees are those without what is removed. Cost O(sum of min(degree, limit)), as for the rows themselves.
    """
    mean, largest = np.zeros(nodes.size, dtype=np.float32), np.zeros(nodes.size, dtype=np.float32)
    longest = np.int64(0)
    for row in range(nodes.size):
        longest = max(longest, min(row_pointer[nodes[row] + 1] - row_pointer[nodes[row]], limit))
    chosen = np.empty(longest, dtype=np.int64)
    for row in range(nodes.size):
        kept = thin_row(row_pointer, column, removed, touched, nodes[row], limit, seed, chosen, np.int64(0))
        total, most = np.int64(0), np.int64(0)
        for number in range(kept):
            degree = left_degree(row_pointer, removed, touched, column[chosen[number]])[0]
            total, most = total + degree, max(most, degree)
        mean[row] = total / max(kept, 1)
        largest[row] = most
    return mean, largest


@njit(cache=True, nogil=True)
@no_type_check
def note_new_nodes(place: NDArray[np.int32], nodes: Ints) -> Ints:
    """Return the nodes that have no place yet (place -1), sorted and each once, and mark them with -2.

    `place` is as long as the graph and kept from batch to batch: only what a batch touches is written and wiped.
    """
    found = np.empty(nodes.size, dtype=np.int64)
    count = 0
    for number in range(nodes.size):
        node = nodes[number]
        if place[node] == -1:
            place[node] = -2
            found[count] = node
            count += 1
    return np.sort(found[:count])  # ascending: the gathers that follow then walk memory in one direction


@njit(cache=True, nogil=True)
@no_type_check
def give_places(place: NDArray[np.int32], nodes: Ints, first: Whole) -> None:
    """Number the nodes consecutively from `first`."""
    for number in range(nodes.size):
        place[nodes[number]] = first + number


@njit(cache=True, nogil=True)
@no_type_check
def places_of(place: NDArray[np.int32], nodes: Ints) -> Ints:
    """Return the place of each node."""
    result = np.empty(nodes.size, dtype=np.int64)
    for number in range(nodes.size):
        result[number] = place[nodes[number]]
    return result


@njit(cache=True, nogil=True)
@no_type_check
def wipe_places(place: NDArray[np.int32], nodes: Ints) -> None:
    """Forget the places of these nodes."""
    for number in range(nodes.size):
        place[nodes[number]] = -1
