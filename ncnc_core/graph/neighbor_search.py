"""The search in sorted rows for what two nodes share and what only one of them has: one list of nodes a pair."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.graph import neighbor_search_tensors as tensors
from ncnc_core.graph.node_lists import NodeLists
from ncnc_core.graph.roles import Rows
from ncnc_core.graph.row_ranks import RowRanks
from ncnc_core.kernels import overlap as kernels


# PyG has no intersection of neighbourhoods (its own CommonNeighbors goes by way of a dense or SciPy matrix product):
# the kernels and their twin in tensor operations are ours.
def common_neighbors(rows: Rows, pairs: Int64[Tensor, "2 pairs"]) -> NodeLists:
    """Return N(i) ∩ N(j) for each pair (i, j), ascending.

    Time O(d_i + d_j) a pair, O(shorter * log(longer)) where one row is far longer; memory O(sum min(d_i, d_j)).
    """
    first, second = pairs
    if rows.column.device.type == "cpu":
        return shared_neighbors(rows, rows, first, second)
    swap = rows.degree[first] > rows.degree[second]  # the twin walks the rows of the first
    return shared_neighbors(rows, rows, torch.where(swap, second, first), torch.where(swap, first, second))


def shared_neighbors(
    near: Rows, far: Rows, near_node: Int64[Tensor, " pairs"], far_node: Int64[Tensor, " pairs"]
) -> NodeLists:
    """Return N_near(a) ∩ N_far(b) for each a, b, ascending."""
    if near.column.device.type != "cpu":
        return tensors.shared_neighbors(near, far, near_node, far_node)
    room = int(torch.minimum(near.degree[near_node], far.degree[far_node]).sum())
    pointer, found = np.empty(near_node.numel() + 1, np.int64), np.empty(room, np.int64)
    count = kernels.list_common(
        *_arrays(near), *_arrays(far), _array(near_node), _array(far_node), pointer, found
    )  # what is not written is not paged in: the room costs addresses, not memory
    return NodeLists(torch.from_numpy(pointer), torch.from_numpy(found[:count].copy()))


def exclusive_neighbors(
    rows: Rows,
    node: Int64[Tensor, " pairs"],
    other: Int64[Tensor, " pairs"],
    common: NodeLists,
    *,
    skip_other: bool,
    limit: int | None = None,
    random: bool = False,
    order_by: Float[Tensor, "nodes channels"] | None = None,
) -> NodeLists:
    """Return N(node) minus N(other) for each row, ascending, given `common`, their `common_neighbors`.

    An edge between the two makes `other` itself a member: as a completion candidate it would let a known edge see
    itself. `skip_other` leaves it out. `limit` keeps that many of each list, see `spaced_places`; then the cost is
    O((kept + common) * log), however long the rows: no hub's row is walked to find what is not shared. Without
    `random` it keeps the same ones in every numbering of the nodes where `order_by` gives values of each node; then
    each distinct long row is sorted once.
    """
    degree = rows.degree[node]
    is_thinned = limit is not None and degree.numel() > 0
    if is_thinned and not (random and degree.device.type != "cpu"):  # in training an accelerator would wait to know
        is_thinned = int(degree.max()) > limit  # type: ignore[operator]
    if not is_thinned:
        limit, shift = None, None
    else:
        shift = torch.rand(node.numel(), device=node.device, dtype=torch.float64) if random else None
    ranks = None
    if limit is not None and not random and order_by is not None:
        ranks = RowRanks.of(rows, node[degree > limit], order_by)
    if rows.column.device.type != "cpu" or ranks is not None:
        return tensors.exclusive_neighbors(
            rows, node, other, common, skip_other=skip_other, limit=limit, shift=shift, ranks=ranks
        )
    room = int((degree if limit is None else degree.clamp(max=limit)).sum())
    pointer, found = np.empty(node.numel() + 1, np.int64), np.empty(room, np.int64)
    weight = np.empty(room, np.float32)
    count = kernels.list_exclusive(
        *_arrays(rows),
        _array(node),
        _array(other),
        _array(common.row_pointer),
        _array(common.node),
        skip_other,
        rows.num_nodes if limit is None else limit,
        np.full(node.numel(), 0.5) if shift is None else shift.numpy(),
        pointer,
        found,
        weight,
    )
    kept = torch.from_numpy(weight[:count].copy()) if is_thinned else None
    return NodeLists(torch.from_numpy(pointer), torch.from_numpy(found[:count].copy()), kept)


def _arrays(rows: Rows) -> tuple[Any, Any]:
    return _array(rows.row_pointer), _array(rows.column)


def _array(tensor: Tensor) -> Any:
    return tensor.contiguous().numpy()  # one memory layout, so that each kernel is compiled once
