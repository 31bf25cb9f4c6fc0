"""One graph read from an edge array, a table, PyTorch Geometric's Data or a NetworkX graph."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.inputs.features import FeatureInput, feature_ids, read_features
from ncnc_core.inputs.pairs import IdsInput, NodeId, PairEnds, clean_ids, pair_ends, require_one_id_each

if TYPE_CHECKING:
    from torch_geometric.data import Data


EdgeInput = Any  # an array, a tensor, a list of pairs, a table, Data or a NetworkX graph: looked at, not declared
WeightInput = Any  # the name of a column or an edge attribute, or one number an edge

# Whole numbers are taken for ids, not positions, from this many positions on, if so many are named an end of an edge.
FEWEST_REFUSED, POSITIONS_AN_END = 10_000, 10


@dataclass(frozen=True, eq=False)
class GraphInput:
    """A graph that was read and checked.

    `edges` [2, edges] int64 are positions, as given: repeats and self-loops are still there. `features` are [nodes,
    features] float32 (dense or compressed sparse rows), int64 categories [nodes], or None. `node_ids` [nodes] are the
    ids by position. `weight` [edges] is float32, or None where all edges weigh one.
    """

    edges: Tensor
    num_nodes: int
    features: Tensor | None
    node_ids: list[NodeId]
    weight: Tensor | None

    def adjacency(self) -> Adjacency:
        """Return the undirected graph; either direction counts, repeats become one edge, self-loops are dropped."""
        if self.weight is None:
            return Adjacency.from_edges(self.edges, self.num_nodes)
        return Adjacency.from_edges(self.edges, self.num_nodes, self.weight)


@dataclass(frozen=True, eq=False)
class _Parts:
    """What a source of graphs says: its edges, and its features, ids and weights unless they are given beside it."""

    ends: PairEnds
    features: FeatureInput
    node_ids: list[NodeId] | None
    weight: WeightInput
    num_nodes: int | None = None


def read_graph(
    edges: EdgeInput,
    features: FeatureInput = None,
    node_ids: IdsInput = None,
    *,
    edge_weight: WeightInput = None,
    source: str = "source",
    target: str = "target",
) -> GraphInput:
    """Read an undirected graph.

    `edges` is an array or tensor [2, edges] or [edges, 2] (with two rows and two columns, rows are the ends), a list of
    pairs, a table with a column for each end, PyG `Data`, or a NetworkX graph. Whole numbers in an array or a list are
    positions. Text and tables hold ids. The nodes are those of `node_ids`; else of a feature table's index, the `Data`
    or the NetworkX graph; else all ids that occur, sorted. For positions there are as many nodes as feature rows, or
    the highest position + 1; 10,000 or more that is over ten times the number of ends is refused, for these are ids.
    `features`: see `read_features`; for a NetworkX graph it may be a list of node attributes. `edge_weight` is a
    column, an edge attribute, or one number an edge. (u, v) and (v, u) are one edge; repeats are dropped silently,
    self-loops with a warning.

    Raises:
        InvalidGraph: the edges, ids, features or weights break a rule; the message says which.
    """
    given = None if node_ids is None else clean_ids(node_ids, "node_ids")
    is_table = hasattr(edges, "columns")  # looked at first: a table has an attribute for each column
    if not is_table and (hasattr(edges, "edge_index") or hasattr(edges, "node_types")):
        parts = _of_data(edges, features, given, edge_weight)
    elif not is_table and hasattr(edges, "nodes") and hasattr(edges, "edges"):
        parts = _of_networkx(edges, features, given, edge_weight)
    else:
        weight = _column(edges, edge_weight) if isinstance(edge_weight, str) else edge_weight
        parts = _Parts(pair_ends(edges, source=source, target=target), features, given, weight)
    ids = _node_ids(parts)
    positions = parts.ends.positions({one: place for place, one in enumerate(ids)}, "The edges")
    loops = int((positions[0] == positions[1]).sum())
    if loops:
        warnings.warn(f"{loops} of {positions.shape[1]} edges join a node with itself and are dropped.", stacklevel=3)
    return GraphInput(
        edges=positions,
        num_nodes=len(ids),
        features=read_features(parts.features, ids),
        node_ids=ids,
        weight=edge_weights(parts.weight, positions.shape[1]),
    )


def as_data(adjacency: Adjacency, features: Tensor | None, node_ids: Sequence[NodeId]) -> Data:
    """Return a graph as PyTorch Geometric's Data: x, edge_index in both directions, and edge_weight where it has one.

    `node_id` is the list of ids, left out where they are the positions; `read_graph` reads all of it back.
    """
    from torch_geometric.data import Data

    data = Data(x=features, edge_index=torch.stack([adjacency.row, adjacency.column]), num_nodes=adjacency.num_nodes)
    if adjacency.weight is not None:
        data.edge_weight = adjacency.weight
    if list(node_ids) != list(range(adjacency.num_nodes)):
        data.node_id = list(node_ids)
    return data


def _of_data(data: Any, features: FeatureInput, node_ids: list[NodeId] | None, weight: WeightInput) -> _Parts:
    if not hasattr(data, "edge_index") or data.edge_index is None or hasattr(data, "node_types"):
        raise InvalidGraph(
            f"{type(data).__name__} has no single edge_index. Give a homogeneous Data; HeteroData.to_homogeneous() "
            "makes one."
        )
    if isinstance(weight, str):
        weight = getattr(data, weight, None)
    elif weight is None:
        weight = getattr(data, "edge_weight", None)
    known = getattr(data, "node_id", None)
    if node_ids is None and known is not None:
        node_ids = clean_ids(known, "data.node_id")
    x = getattr(data, "x", None) if features is None else features
    return _Parts(pair_ends(data.edge_index), x, node_ids, weight, data.num_nodes)


def _of_networkx(graph: Any, features: FeatureInput, node_ids: list[NodeId] | None, weight: WeightInput) -> _Parts:
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
    ends = PairEnds(np.array([clean_ids(end, "edges") for end in zip(*pairs, strict=True)] or [[], []]), are_ids=True)
    return _Parts(ends, features, node_ids or ids, weight)


def _attribute(attributes: Any, name: str, whose: str) -> Any:
    if name not in attributes:
        raise InvalidGraph(
            f"{whose} has no attribute {name!r}, only {sorted(map(str, attributes))}. Set it everywhere, or leave it "
            "out."
        )
    return attributes[name]


def _column(table: Any, name: str) -> Any:
    if not hasattr(table, "columns") or name not in table.columns:
        raise InvalidGraph(
            f"edge_weight names {name!r}, but the edges have the columns {list(getattr(table, 'columns', []))}. "
            "Name one of them, or give one number an edge."
        )
    return table[name]


def _node_ids(parts: _Parts) -> list[NodeId]:
    """Return the id of every position."""
    ids = parts.node_ids or feature_ids(parts.features)
    if ids is not None:
        require_one_id_each(ids, len(ids))
        return ids
    if not parts.ends.are_ids:
        return list(range(_count_nodes(parts)))
    if parts.features is not None:
        raise InvalidGraph(
            "The edges name nodes by id, and features has rows without ids. Give node_ids in the order of the rows, or "
            "features as a table indexed by node id."
        )
    occurring: list[NodeId] = np.unique(parts.ends.values).tolist()
    return occurring


def _count_nodes(parts: _Parts) -> int:
    if parts.num_nodes is not None:
        return parts.num_nodes
    ends = parts.ends.values
    highest = int(ends.max(initial=-1))
    if parts.features is not None:
        rows = int(np.shape(parts.features)[0])
        if highest >= rows:
            raise InvalidGraph(
                f"features has {rows} rows, but the edges name position {highest}. Give one row a node, "
                f"{highest + 1} or more, or edges among the first {rows} nodes."
            )
        return rows
    if highest >= max(FEWEST_REFUSED, POSITIONS_AN_END * ends.size):
        raise InvalidGraph(
            f"The edges name position {highest}, but there are {ends.shape[1]} edges, so nearly all nodes would have "
            "none. If the numbers are ids, give a table with the columns source and target; if they are positions, "
            "give node_ids, one for every node."
        )
    return highest + 1


def edge_weights(weight: WeightInput, count: int) -> Tensor | None:
    """Return one float32 an edge, or None.

    Raises:
        InvalidGraph: there is another number of them.
    """
    if weight is None:
        return None
    tensor = weight if isinstance(weight, Tensor) else torch.from_numpy(np.array(weight, dtype=np.float32))
    if tensor.shape != (count,):
        raise InvalidGraph(
            f"edge_weight has the shape {list(tensor.shape)} for {count} edges. Give one number an edge, [edges]."
        )
    return tensor.detach().cpu().to(torch.float32)
