"""Node features read from a tensor, an array, a sparse matrix or a table, checked, and looked up by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.inputs.node_ids import NodeId, clean_ids
from ncnc_core.inputs.tables import as_feature_table
from ncnc_core.kernels.neighbor_sampler import NO_LIMIT, thin_rows

FeatureInput = Any  # a tensor, an array, a sparse matrix or a table: what it is is looked at, not declared


def feature_ids(features: FeatureInput) -> list[NodeId] | None:
    """Return the node ids that a table of features is indexed by, or None for features without ids."""
    table = as_feature_table(features)
    return None if table is None else clean_ids(table.index, "the index of features")


def read_features(features: FeatureInput, node_ids: Sequence[NodeId]) -> Tensor | None:
    """Return the features as float32 [nodes, features]: dense, or in compressed sparse rows if they came sparse.

    The columns of a table are the features; its rows are put into the order of `node_ids` by its index. A vector of
    whole numbers holds one category a node, and stays int64 [nodes]. Arrays are copied. A tensor is shared, so that a
    memory-mapped one stays mapped.

    Raises:
        InvalidGraph: the rows are not those of the nodes, a value is not a finite number, or a category is negative.
    """
    if features is None:
        return None
    table = as_feature_table(features)
    if table is not None:
        features = _rows_of(table, node_ids)
    tensor = _as_tensor(features)
    require_one_row_each(tensor, len(node_ids))
    _require_finite(tensor, node_ids)
    return tensor


def require_one_row_each(features: Tensor | None, num_nodes: int) -> None:
    """Refuse features that are not one row for each node."""
    if features is not None and features.shape[0] != num_nodes:
        raise InvalidGraph(
            f"features has {features.shape[0]} rows for {num_nodes} nodes. Give one row a node, in the order of the "
            "nodes."
        )


def features_on(
    adjacency: Adjacency, given: FeatureInput, own: Tensor | None, node_ids: Sequence[NodeId]
) -> Tensor | None:
    """Return the features to score with on a message graph: those given with it, else the model's own.

    Those given are read by `read_features`: a table is indexed by the model's ids, or, where the message graph has
    another number of nodes, by position.

    Raises:
        InvalidGraph: those given do not fit the graph, or none are and the model's own are those of another number of
            nodes.
    """
    if given is not None:
        count = adjacency.num_nodes
        tensor = read_features(given, node_ids if count == len(node_ids) else range(count))
        return None if tensor is None else tensor.to(adjacency.column.device)
    if own is None:
        return None
    if adjacency.num_nodes != own.shape[0]:
        raise InvalidGraph(
            f"The graph to score on has {adjacency.num_nodes} nodes, the model's features {own.shape[0]} rows. "
            "Give the features of that graph too."
        )
    return own


def stacked_features(features: Tensor, more: Tensor) -> Tensor:
    """Return the rows of both, in the layout of the first."""
    if features.layout != torch.sparse_csr:
        return torch.cat([features.cpu(), more.to_dense()])
    below = more.to_sparse_coo() if more.layout != torch.strided else more.to_sparse()
    return torch.cat([features.cpu().to_sparse_coo(), below]).to_sparse_csr()


def _rows_of(table: Any, node_ids: Sequence[NodeId]) -> Any:
    place = {one: row for row, one in enumerate(clean_ids(table.index, "the index of features"))}
    missing = [one for one in node_ids if one not in place]
    if missing:
        raise InvalidGraph(
            f"features lacks {len(missing)} of {len(node_ids)} nodes (first: {missing[0]!r}). "
            "Give a row for every node, indexed by its id."
        )
    if len(place) != len(table):
        raise InvalidGraph(
            f"features has {len(table)} rows for {len(place)} different node ids. Give each node one row."
        )
    text = [name for name, kind in zip(table.columns, table.dtypes, strict=True) if kind.kind not in "iufb"]
    if text:
        raise InvalidGraph(
            f"The feature column {text[0]!r} holds {table[text[0]].dtype}, and features are numbers. "
            "Leave the column out, or turn it into numbers."
        )
    return torch.from_numpy(table.to_numpy(dtype=np.float32)[[place[one] for one in node_ids]])  # indexed: a copy


def _as_tensor(features: Any) -> Tensor:
    if hasattr(features, "tocsr"):  # a SciPy sparse matrix
        rows = features.tocsr()
        features = torch.sparse_csr_tensor(
            torch.from_numpy(rows.indptr.astype(np.int64)),
            torch.from_numpy(rows.indices.astype(np.int64)),
            torch.from_numpy(rows.data.astype(np.float32)),
            size=rows.shape,
            check_invariants=True,
        )
    tensor = features if isinstance(features, Tensor) else _of_array(np.asarray(features))
    if tensor.dim() == 1 and not tensor.is_floating_point():
        return tensor.to(torch.int64)
    if tensor.dim() != 2:
        raise InvalidGraph(f"features has the shape {list(tensor.shape)}. Give [nodes, features], one row a node.")
    tensor = tensor.detach().to(torch.float32)
    return tensor if tensor.layout in (torch.strided, torch.sparse_csr) else tensor.to_sparse_csr()


def _of_array(array: Any) -> Tensor:
    if array.dtype.kind not in "iufb":
        raise InvalidGraph(f"features are numbers, but the array holds {array.dtype}. Turn them into numbers.")
    return torch.from_numpy(np.array(array, order="C"))  # a copy: what the caller does to the array later is not ours


def _require_finite(tensor: Tensor, node_ids: Sequence[NodeId]) -> None:
    if tensor.layout == torch.sparse_csr:
        broken = (~torch.isfinite(tensor.values())).nonzero().flatten()
        bad = torch.searchsorted(tensor.crow_indices(), broken, right=True).unique() - 1
    elif tensor.is_floating_point():
        bad = (~torch.isfinite(tensor).all(dim=1)).nonzero().flatten()
    else:
        _require_no_negative(tensor, node_ids)
        return
    if bad.numel():
        raise InvalidGraph(
            f"{bad.numel()} of {len(node_ids)} rows of features hold NaN or infinity (first: node "
            f"{node_ids[int(bad[0])]!r}). Fill them in, or leave the feature out."
        )


def _require_no_negative(categories: Tensor, node_ids: Sequence[NodeId]) -> None:
    bad = (categories < 0).nonzero().flatten()
    if bad.numel():
        first = int(bad[0])
        raise InvalidGraph(
            f"{bad.numel()} of {len(node_ids)} integer features are negative (first: {int(categories[first])} of node "
            f"{node_ids[first]!r}), and they number the rows of a table. Renumber them from 0, one number a category."
        )


def feature_rows(features: Tensor, nodes: Int64[Tensor, " nodes"]) -> Tensor:
    """Return the rows of these nodes, [nodes, features], or [nodes] of integer ids; sparse rows stay sparse.

    Only these rows are read, so a table may be memory-mapped: `torch.from_numpy(numpy.load(path, mmap_mode="c"))`.
    """
    if features.layout != torch.sparse_csr:
        return features.index_select(0, nodes.to(features.device))
    pointer, column = features.crow_indices().cpu().numpy(), features.col_indices().cpu().numpy()
    # torch selects no rows of compressed sparse tensors; whole rows are rows thinned to no limit.
    nothing = np.zeros(0, dtype=np.int64)
    untouched = np.zeros(features.shape[0], dtype=np.bool_)
    rows, entry, _ = thin_rows(pointer, column, nothing, untouched, nodes.cpu().numpy(), NO_LIMIT, np.uint64(0))
    chosen = torch.from_numpy(entry).to(features.device)
    return torch.sparse_csr_tensor(
        torch.from_numpy(rows).to(features.device),
        features.col_indices()[chosen],
        features.values()[chosen],
        size=(nodes.numel(), features.shape[1]),
        check_invariants=False,  # rows of a valid table are valid
    )
