"""What each source of graphs says: PyTorch Geometric's Data, a NetworkX graph, a sparse matrix, a table or pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.inputs.edge_times import TimeInput
from ncnc_core.inputs.features import FeatureInput
from ncnc_core.inputs.node_ids import NodeId, Positions, clean_ids
from ncnc_core.inputs.pairs import PairEnds, pair_ends
from ncnc_core.inputs.tables import as_table

EdgeInput = Any  # an array, pairs, a table, a sparse matrix, Data or a NetworkX graph: looked at, not declared
WeightInput = Any  # the name of a column or an edge attribute, or one number an edge


@dataclass(frozen=True, eq=False)
class GraphParts:
    """The edges of a source, and its features, ids and weights unless they are given beside it.

    `says_direction`: a source in which an undirected edge stands in both directions. `numbers_nodes`: whole numbers
    that no ids come with number the nodes.
    """

    ends: PairEnds
    features: FeatureInput
    node_ids: list[NodeId] | None
    weight: WeightInput
    time: TimeInput = None
    num_nodes: int | None = None
    says_direction: bool = False
    numbers_nodes: bool = False


def names_its_nodes(edges: EdgeInput) -> bool:
    """Return whether a source says itself which nodes there are: Data and NetworkX graphs do."""
    return as_table(edges) is None and (_is_data(edges) or _is_networkx(edges))


def graph_parts(
    edges: EdgeInput,
    features: FeatureInput,
    node_ids: list[NodeId] | None,
    weight: WeightInput,
    time: TimeInput = None,
    *,
    source: str,
    target: str,
) -> GraphParts:
    """Return what a source of any kind says, as `read_graph` describes.

    Raises:
        InvalidGraph: the source is of no kind known here, or lacks what is named.
    """
    table = as_table(edges.values if isinstance(edges, Positions) else edges)
    if table is not None:  # first: a table has an attribute for each column
        weight = _column(table, weight, "edge_weight") if isinstance(weight, str) else weight
        time = _column(table, time, "time") if isinstance(time, str) else time
        ends = pair_ends(Positions(table) if isinstance(edges, Positions) else table, source=source, target=target)
        return GraphParts(ends, features, node_ids, weight, time)
    if (source, target) != ("source", "target"):
        raise InvalidGraph(
            f"source={source!r} and target={target!r} name columns, but {type(edges).__name__} is no table. Leave them "
            "out, or give a table."
        )
    if _is_data(edges):
        return _of_data(edges, features, node_ids, weight, time)
    if _is_networkx(edges):
        return _of_networkx(edges, features, node_ids, weight, time)
    if _is_matrix(edges):
        return _of_matrix(edges, features, node_ids, weight, time)
    for name, given in (("edge_weight", weight), ("time", time)):
        if not isinstance(given, str):
            continue
        raise InvalidGraph(
            f"{name} names {given!r}, but {type(edges).__name__} has no columns and no attributes. Give one "
            "number an edge."
        )
    return GraphParts(pair_ends(edges), features, node_ids, weight, time, numbers_nodes=True)


def _is_data(edges: EdgeInput) -> bool:
    return any(hasattr(edges, name) for name in ("edge_index", "adj_t", "node_types"))


def _is_networkx(edges: EdgeInput) -> bool:
    return hasattr(edges, "nodes") and hasattr(edges, "edges")


def _is_matrix(edges: EdgeInput) -> bool:
    if isinstance(edges, Tensor):
        return edges.layout != torch.strided
    return hasattr(edges, "tocsr") or hasattr(edges, "sparse_sizes")


def _of_data(
    data: Any, features: FeatureInput, node_ids: list[NodeId] | None, weight: WeightInput, time: TimeInput
) -> GraphParts:
    edge_index, transposed = getattr(data, "edge_index", None), getattr(data, "adj_t", None)
    if hasattr(data, "node_types") or (edge_index is None and transposed is None):
        raise InvalidGraph(
            f"{type(data).__name__} has no single edge_index or adj_t. Give a homogeneous Data; "
            "HeteroData.to_homogeneous() makes one."
        )
    weight, time = _attribute_of_data(data, weight, "edge_weight"), _attribute_of_data(data, time, "edge_time", "time")
    known = getattr(data, "node_id", None)
    if node_ids is None and known is not None:
        node_ids = clean_ids(known, "data.node_id")
    x = getattr(data, "x", None) if features is None else features
    if edge_index is None:
        return _of_matrix(transposed, x, node_ids, weight, time)  # an edge is one in either direction
    return GraphParts(pair_ends(Positions(edge_index)), x, node_ids, weight, time, data.num_nodes, says_direction=True)


def _attribute_of_data(data: Any, given: Any, *names: str) -> Any:
    """Return what is given, the attribute that it names, or the first of `names` that the Data has, one an edge."""
    if isinstance(given, str):
        if getattr(data, given, None) is None:
            raise InvalidGraph(
                f"{names[0]} names {given!r}, but the Data has only {sorted(map(str, data.keys()))}. Name one of "
                f"them, or leave it out: {' or '.join(names)} is then read where the Data has it."
            )
        return getattr(data, given)
    if given is not None:
        return given
    found = [getattr(data, name, None) for name in names]
    edges = data.num_edges  # PyG's `time` may as well be one a node
    return next((one for one in found if one is not None and (len(names) == 1 or np.shape(one)[:1] == (edges,))), None)


def _of_networkx(
    graph: Any, features: FeatureInput, node_ids: list[NodeId] | None, weight: WeightInput, time: TimeInput
) -> GraphParts:
    ids = clean_ids(list(graph.nodes), "the graph's nodes")
    if node_ids is not None and sorted(map(str, node_ids)) != sorted(map(str, ids)):
        raise InvalidGraph(
            f"node_ids has {len(node_ids)} ids that are not the graph's {len(ids)} nodes. Leave node_ids out, or give "
            "the graph's own nodes in the order you want."
        )
    if isinstance(features, list | tuple) and features and all(isinstance(name, str) for name in features):
        features = np.array(
            [[_attribute(graph.nodes[node], name, f"Node {node!r}") for name in features] for node in node_ids or ids]
        )
    pairs = list(graph.edges())
    if isinstance(weight, str):
        weight = [_attribute(data, weight, f"Edge {u!r}-{v!r}") for u, v, data in graph.edges(data=True)]
    if isinstance(time, str):
        time = [_attribute(data, time, f"Edge {u!r}-{v!r}") for u, v, data in graph.edges(data=True)]
    ends = PairEnds(np.array([clean_ids(end, "edges") for end in zip(*pairs, strict=True)] or [[], []]), are_ids=True)
    if ends.values.dtype.kind == "U":
        ends = PairEnds(ends.values.astype(object), are_ids=True)
    return GraphParts(ends, features, node_ids or ids, weight, time, says_direction=graph.is_directed())


def _of_matrix(
    matrix: Any, features: FeatureInput, node_ids: list[NodeId] | None, weight: WeightInput, time: TimeInput
) -> GraphParts:
    """Read the entries of a sparse matrix that are not zero as edges; other values than ones are their weights."""
    ends, values, shape = _entries(matrix)
    if len(shape) != 2 or shape[0] != shape[1]:
        raise InvalidGraph(
            f"The sparse matrix has the shape {list(shape)}, and that of a graph has a row and a column for each node. "
            "Give a square one, or pairs of nodes."
        )
    if node_ids is not None and len(node_ids) != shape[0]:
        raise InvalidGraph(
            f"There are {len(node_ids)} node ids for a sparse matrix of {shape[0]} rows. Give one id a row."
        )
    if weight is not None and values is not None:
        raise InvalidGraph(
            "The sparse matrix holds other values than ones, and edge_weight was given too. Leave edge_weight out, or "
            "give the matrix as bool."
        )
    weight = values if weight is None else weight
    return GraphParts(PairEnds(ends, are_ids=False), features, node_ids, weight, time, shape[0], says_direction=True)


def _entries(matrix: Any) -> tuple[Any, Any, tuple[int, ...]]:
    """Return rows and columns [2, entries], their values unless all are ones, and the shape; zeros are left out."""
    if isinstance(matrix, Tensor):
        coo = matrix.detach().cpu().to_sparse_coo().coalesce()
        ends, values = coo.indices().numpy(), coo.values().numpy()
    elif hasattr(matrix, "sparse_sizes"):  # torch_sparse's SparseTensor
        row, column, value = matrix.coo()
        ends = torch.stack([row, column]).cpu().numpy()
        values = np.ones(ends.shape[1], dtype=bool) if value is None else value.detach().cpu().numpy()
    else:
        found = matrix.tocsr().tocoo()  # through rows: repeated entries are added up
        ends, values = np.stack([found.row, found.col]).astype(np.int64), found.data
    shape = tuple(matrix.sparse_sizes() if hasattr(matrix, "sparse_sizes") else matrix.shape)
    there = values != 0
    values = values[there]
    return ends[:, there], None if bool((values == 1).all()) else values, shape


def _attribute(attributes: Any, name: str, whose: str) -> Any:
    if name not in attributes:
        raise InvalidGraph(
            f"{whose} has no attribute {name!r}, only {sorted(map(str, attributes))}. Set it everywhere, or leave it "
            "out."
        )
    return attributes[name]


def _column(table: Any, name: str, what: str) -> Any:
    if name not in table.columns:
        raise InvalidGraph(
            f"{what} names {name!r}, but the edges have the columns {list(table.columns)}. "
            "Name one of them, or give one number an edge."
        )
    return table[name]
