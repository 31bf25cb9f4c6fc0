"""The loops that thin overlaps: which neighbours two nodes share, or only one has, in bounded work a pair."""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from numba import njit

from ncnc_core.kernels.neighbor_sampler import (
    Flags,
    Floats,
    Ints,
    Whole,
    left_degree,
    spaced_place,
    spaced_shift,
    thin_row,
    uniform_hash,
)
from ncnc_core.kernels.overlap import first_at_least


@njit(cache=True, nogil=True)
@no_type_check
def is_dropped(node: Whole, other: Whole, num_nodes: Whole, dropout: float, seed: Whole, symmetric: bool) -> bool:
    """Return whether edge dropout takes the entry (node, other): a hash, so that no mask is as long as the graph."""
    if dropout == 0.0:
        return False
    if symmetric and other < node:
        node, other = other, node
    return uniform_hash(seed ^ np.uint64(0xD1B54A32D192ED03), node * num_nodes + other) < dropout


@njit(cache=True, nogil=True)
@no_type_check
def is_neighbor(
    row_pointer: Ints, column: Ints, removed: Ints, touched: Flags, node: Whole, wanted: Whole, low: Whole
) -> tuple[bool, Whole]:
    """Return whether a node is in a row and not removed, and from which place a larger one is to be looked for."""
    stop = row_pointer[node + 1]
    entry = first_at_least(column, low, stop, wanted)
    if entry == stop or column[entry] != wanted:
        return False, entry
    if not touched[node]:
        return True, entry
    hidden = first_at_least(removed, np.int64(0), np.int64(removed.size), entry)
    return hidden == removed.size or removed[hidden] != entry, entry


@njit(cache=True, nogil=True)
@no_type_check
def common_lists(
    row_pointer: Ints,
    column: Ints,
    removed: Ints,
    touched: Flags,
    first: Ints,
    second: Ints,
    limit: Whole,
    seed: Whole,
    dropout: float,
    symmetric: bool,
) -> tuple[Ints, Ints, Floats]:
    """Return N(i) and N(j) in common for each pair: pointer [pairs + 1], nodes, and the weight of each list [pairs].

    Walks at most `limit` evenly spaced entries of the shorter row (of equal ones, the lower node's) and looks each up
    in the other: O(limit * log degree) a pair. The weight is the length of the walked row over the entries walked.
    """
    size = np.int64(0)
    for pair in range(first.size):
        near = min(
            left_degree(row_pointer, removed, touched, first[pair])[0],
            left_degree(row_pointer, removed, touched, second[pair])[0],
        )
        size += min(near, limit)
    chosen = np.empty(size, dtype=np.int64)  # at least as long as each row and as all lists
    node = np.empty(size, dtype=np.int64)
    pointer = np.zeros(first.size + 1, dtype=np.int64)
    weight = np.ones(first.size, dtype=np.float32)
    num_nodes = np.int64(row_pointer.size - 1)
    count = np.int64(0)
    for pair in range(first.size):
        near, far = min(first[pair], second[pair]), max(first[pair], second[pair])
        length = left_degree(row_pointer, removed, touched, near)[0]
        if left_degree(row_pointer, removed, touched, far)[0] < length:
            near, far = far, near
            length = left_degree(row_pointer, removed, touched, near)[0]
        kept = thin_row(row_pointer, column, removed, touched, near, limit, seed, chosen, np.int64(0))
        if kept < length:
            weight[pair] = length / kept
        low = row_pointer[far]
        for number in range(kept):
            member = column[chosen[number]]
            found, low = is_neighbor(row_pointer, column, removed, touched, far, member, low)
            if (
                found
                and not is_dropped(near, member, num_nodes, dropout, seed, symmetric)
                and not is_dropped(far, member, num_nodes, dropout, seed, symmetric)
            ):
                node[count] = member
                count += 1
        pointer[pair + 1] = count
    return pointer, node[:count].copy(), weight


@njit(cache=True, nogil=True)
@no_type_check
def exclusive_lists(
    row_pointer: Ints,
    column: Ints,
    removed: Ints,
    touched: Flags,
    node: Ints,
    other: Ints,
    skip_other: bool,
    limit: Whole,
    keep: Whole,
    seed: Whole,
    dropout: float,
    symmetric: bool,
) -> tuple[Ints, Ints, Floats]:
    """Return N(node) minus N(other) for each row: pointer [rows + 1], nodes, and the weight of each list [rows].

    Walks at most `limit` evenly spaced entries of the row of `node`, leaves out what `other` has too (and `other`
    itself where asked), and keeps at most `keep` of the rest, evenly spaced again. The weight undoes both.
    """
    size, longest = np.int64(0), np.int64(0)
    for row in range(node.size):
        walked = min(left_degree(row_pointer, removed, touched, node[row])[0], limit)
        size, longest = size + min(walked, keep), max(longest, walked)
    result = np.empty(size, dtype=np.int64)
    chosen = np.empty(longest, dtype=np.int64)
    pointer = np.zeros(node.size + 1, dtype=np.int64)
    weight = np.ones(node.size, dtype=np.float32)
    num_nodes = np.int64(row_pointer.size - 1)
    count = np.int64(0)
    for row in range(node.size):
        own, far = node[row], other[row]
        length = left_degree(row_pointer, removed, touched, own)[0]
        walked = thin_row(row_pointer, column, removed, touched, own, limit, seed, chosen, np.int64(0))
        rest, low = np.int64(0), row_pointer[far]
        for number in range(walked):
            member = column[chosen[number]]
            shared, low = is_neighbor(row_pointer, column, removed, touched, far, member, low)
            shared = shared and not is_dropped(far, member, num_nodes, dropout, seed, symmetric)
            if shared or (skip_other and member == far) or is_dropped(own, member, num_nodes, dropout, seed, symmetric):
                continue
            chosen[rest] = member  # never ahead of the reading
            rest += 1
        kept = min(rest, keep)
        shift = spaced_shift(seed, own * num_nodes + far)
        for number in range(kept):
            result[count] = chosen[spaced_place(np.int64(number), rest, kept, shift)]
            count += 1
        if kept:
            weight[row] = (length / walked) * (rest / kept)
        pointer[row + 1] = count
    return pointer, result[:count].copy(), weight
