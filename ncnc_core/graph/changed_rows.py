"""Compressed rows with some entries more or less, each value copied once: no sort and no search."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.kernels import entries as kernels

Rows = tuple[Tensor, Tensor, Tensor | None]  # row_pointer, column and weight, as in `Adjacency`


def rows_without(
    row_pointer: Int64[Tensor, " pointers"],
    column: Int64[Tensor, " entries"],
    weight: Float[Tensor, " entries"] | None,
    removed: Int64[Tensor, " removed"],
) -> Rows:
    """Return rows on the CPU without the entries at the places `removed`, ascending."""

    def left(values: Tensor) -> Tensor:
        kept = values.new_empty(values.numel() - removed.numel())
        kernels.leave_out(values.numpy(), removed.numpy(), kept.numpy())
        return kept

    pointer = torch.empty_like(row_pointer)
    kernels.shorter_rows(row_pointer.numpy(), removed.numpy(), pointer.numpy())
    return pointer, left(column), None if weight is None else left(weight)


def rows_with(
    row_pointer: Int64[Tensor, " pointers"],
    column: Int64[Tensor, " entries"],
    weight: Float[Tensor, " entries"] | None,
    new: Int64[Tensor, "2 new"],
    new_weight: Float[Tensor, " new"] | None,
) -> Rows:
    """Return rows on the CPU with entries (row, column) that they lack, in the order of rows and columns."""
    row, added = new.contiguous()
    places = kernels.entry_places(*(one.numpy() for one in (row_pointer, column, row, added)))

    def joined(values: Tensor, more: Tensor) -> Tensor:
        whole = values.new_empty(values.numel() + more.numel())
        kernels.put_in(values.numpy(), places, more.numpy(), whole.numpy())
        return whole

    pointer = torch.empty_like(row_pointer)
    kernels.longer_rows(row_pointer.numpy(), row.numpy(), pointer.numpy())
    weights = None if weight is None or new_weight is None else joined(weight, new_weight)
    return pointer, joined(column, added), weights
