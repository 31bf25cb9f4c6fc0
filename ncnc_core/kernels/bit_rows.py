"""Rows of a dense graph as bits, 64 nodes a word, and the loops over them.

An intersection of two rows is one `and` a word: on a graph of 4,267 nodes 67 of them, whatever the degrees, against
about 1,300 steps of a merge of two lists of 500 to 850. The walk over the set bits then reads the node values as they
stand: no list, no [pairs, nodes] mask, and a sixth of the multiplications of a mask times the node matrix.
Every loop takes the part of the output it fills, so that threads can share the work without sharing a cell; the order
of summation in a cell does not depend on the parts. `no_type_check` keeps the tests' shape checks, which the compiler
cannot see through, out of the loops.
"""

from __future__ import annotations

from typing import Any, no_type_check

import numpy as np
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Nodes = NDArray[np.int64]
Floats = NDArray[Any]  # float32 or float64


@intrinsic  # numba gives Python no name for the machine's instruction
def _trailing_zeros(typing_context: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], cgutils.true_bit)

    return types.uint64(types.uint64), generate


@njit(cache=True, nogil=True)
@no_type_check
def pack_rows(row_pointer: Nodes, column: Nodes, bits: Words) -> None:
    """Set bit v of row u for every entry (u, v) of sorted compressed rows."""
    for u in range(row_pointer.size - 1):
        for entry in range(row_pointer[u], row_pointer[u + 1]):
            v = column[entry]
            bits[u, v >> 6] |= np.uint64(1) << np.uint64(v & 63)


@njit(cache=True, nogil=True)
@no_type_check
def _append(word: np.uint64, base: int, nodes: Nodes, count: int) -> int:
    while word != 0:
        nodes[count] = base + np.int64(_trailing_zeros(word))
        count += 1
        word &= word - np.uint64(1)
    return count


@njit(cache=True, nogil=True)
@no_type_check
def _common(bits: Words, i: int, j: int, nodes: Nodes) -> int:
    """Write N(i) ∩ N(j) into `nodes`, ascending, and return how many."""
    count = 0
    for w in range(bits.shape[1]):
        count = _append(bits[i, w] & bits[j, w], w * 64, nodes, count)
    return count


@njit(cache=True, nogil=True)
@no_type_check
def _one_sided(bits: Words, i: int, j: int, skip_other: bool, nodes: Nodes, count: int) -> int:
    """Append N(i) minus N(j), without j itself where asked, and return the new count."""
    for w in range(bits.shape[1]):
        word = bits[i, w] & ~bits[j, w]
        if skip_other and w == j >> 6:
            word &= ~(np.uint64(1) << np.uint64(j & 63))
        count = _append(word, w * 64, nodes, count)
    return count


@njit(cache=True, nogil=True)
@no_type_check
def pool_common(bits: Words, pairs: Nodes, values: Floats, out: Floats, start: int, stop: int) -> None:
    """Fill out[b] with the sum of values over N(i_b) ∩ N(j_b), for start <= b < stop."""
    nodes = np.empty(bits.shape[1] * 64, np.int64)
    channels = values.shape[1]
    for b in range(start, stop):
        count = _common(bits, pairs[0, b], pairs[1, b], nodes)
        out[b, :] = 0
        total, t = out[b], 0
        while t + 4 <= count:  # four rows at a time: one reading and writing of the total for the four
            a, c, d, e = values[nodes[t]], values[nodes[t + 1]], values[nodes[t + 2]], values[nodes[t + 3]]
            for k in range(channels):
                total[k] += (a[k] + c[k]) + (d[k] + e[k])
            t += 4
        while t < count:
            a = values[nodes[t]]
            for k in range(channels):
                total[k] += a[k]
            t += 1


@njit(cache=True, nogil=True)
@no_type_check
def spread_common(bits: Words, pairs: Nodes, gradient: Floats, out: Floats, low: int, high: int) -> None:
    """Add gradient[b] to out[u] for every u in N(i_b) ∩ N(j_b), in the channels low to high: pool_common transposed."""
    nodes = np.empty(bits.shape[1] * 64, np.int64)
    for b in range(pairs.shape[1]):
        count = _common(bits, pairs[0, b], pairs[1, b], nodes)
        given = gradient[b, low:high]
        for t in range(count):
            total = out[nodes[t], low:high]
            for k in range(given.size):
                total[k] += given[k]


@njit(cache=True, nogil=True)
@no_type_check
def _completed(bits: Words, i: int, j: int, belief: Floats, skip_other: bool, nodes: Nodes, weights: Floats) -> int:
    """Write the common and then both one-sided neighbourhoods with their weights, and return how many nodes."""
    common = _common(bits, i, j, nodes)
    first = _one_sided(bits, i, j, skip_other, nodes, common)
    count = _one_sided(bits, j, i, skip_other, nodes, first)
    for t in range(common):
        weights[t] = 1
    for t in range(common, first):
        weights[t] = belief[j, nodes[t]]
    for t in range(first, count):
        weights[t] = belief[i, nodes[t]]
    return count


@njit(cache=True, nogil=True)
@no_type_check
def pool_completed(
    bits: Words, pairs: Nodes, belief: Floats, skip_other: bool, values: Floats, out: Floats, start: int, stop: int
) -> None:
    """Fill out[b] with the sum over both rows, one-sided u in N(i) weighted belief[j, u], in N(j) belief[i, u]."""
    nodes = np.empty(bits.shape[1] * 64, np.int64)
    weights = np.empty(bits.shape[1] * 64, values.dtype)
    channels = values.shape[1]
    for b in range(start, stop):
        count = _completed(bits, pairs[0, b], pairs[1, b], belief, skip_other, nodes, weights)
        out[b, :] = 0
        total, t = out[b], 0
        while t + 4 <= count:
            a, c, d, e = values[nodes[t]], values[nodes[t + 1]], values[nodes[t + 2]], values[nodes[t + 3]]
            p, q, r, s = weights[t], weights[t + 1], weights[t + 2], weights[t + 3]
            for k in range(channels):
                total[k] += (p * a[k] + q * c[k]) + (r * d[k] + s * e[k])
            t += 4
        while t < count:
            a, p = values[nodes[t]], weights[t]
            for k in range(channels):
                total[k] += p * a[k]
            t += 1


@njit(cache=True, nogil=True)
@no_type_check
def spread_completed(
    bits: Words, pairs: Nodes, belief: Floats, skip_other: bool, gradient: Floats, out: Floats, low: int, high: int
) -> None:
    """Add the weighted gradient[b] to every row it was pooled from, in the channels low to high."""
    nodes = np.empty(bits.shape[1] * 64, np.int64)
    weights = np.empty(bits.shape[1] * 64, gradient.dtype)
    for b in range(pairs.shape[1]):
        count = _completed(bits, pairs[0, b], pairs[1, b], belief, skip_other, nodes, weights)
        given = gradient[b, low:high]
        for t in range(count):
            total, weight = out[nodes[t], low:high], weights[t]
            for k in range(given.size):
                total[k] += weight * given[k]


@njit(cache=True, nogil=True)
@no_type_check
def mark_missing(bits: Words, pairs: Nodes, skip_other: bool, wanted: Words) -> None:
    """Set bit max(v, u) of row min(v, u) for every missing link (v, u) that completing the pairs asks for."""
    nodes = np.empty(bits.shape[1] * 64, np.int64)
    rows = np.zeros_like(wanted)
    for b in range(pairs.shape[1]):
        for side in range(2):
            i, j = pairs[side, b], pairs[1 - side, b]
            for w in range(bits.shape[1]):
                word = bits[i, w] & ~bits[j, w]
                if skip_other and w == j >> 6:
                    word &= ~(np.uint64(1) << np.uint64(j & 63))
                rows[j, w] |= word
    for v in range(rows.shape[0]):
        count = 0
        for w in range(rows.shape[1]):
            count = _append(rows[v, w], w * 64, nodes, count)
        for t in range(count):
            u = nodes[t]
            low, high = min(u, v), max(u, v)
            wanted[low, high >> 6] |= np.uint64(1) << np.uint64(high & 63)


@njit(cache=True, nogil=True)
@no_type_check
def list_bits(bits: Words, start: int, stop: int, out: Nodes) -> int:
    """Write (row, bit) of every set bit of the rows start to stop, row by row, and return how many."""
    nodes = np.empty(bits.shape[1] * 64, np.int64)
    written = 0
    for u in range(start, stop):
        count = 0
        for w in range(bits.shape[1]):
            count = _append(bits[u, w], w * 64, nodes, count)
        for t in range(count):
            out[0, written], out[1, written] = u, nodes[t]
            written += 1
    return written
