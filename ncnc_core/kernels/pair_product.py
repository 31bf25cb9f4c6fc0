"""The product of two gathered rows, forward and backward, without the gathered rows themselves."""

from __future__ import annotations

from typing import Any, no_type_check

from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]  # numba compiles for the dtype it is given


@njit(cache=True, nogil=True)
@no_type_check
def multiply(values: Array, first: Array, second: Array, out: Array, start: int, stop: int) -> None:
    """Write values[first[r]] * values[second[r]] into out[r], for the rows from start to stop."""
    for row in range(start, stop):
        a, b = first[row], second[row]
        for channel in range(values.shape[1]):
            out[row, channel] = values[a, channel] * values[b, channel]


@njit(cache=True, nogil=True)
@no_type_check
def spread(gradient: Array, values: Array, first: Array, second: Array, out: Array, start: int, stop: int) -> None:
    """Add the gradient of the products to that of the values, in the channels from start to stop, in row order."""
    for row in range(first.size):
        a, b = first[row], second[row]
        for channel in range(start, stop):
            upstream = gradient[row, channel]
            out[a, channel] += upstream * values[b, channel]
            out[b, channel] += upstream * values[a, channel]
