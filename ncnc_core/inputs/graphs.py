"""One graph read from pairs, a table, a sparse matrix, PyTorch Geometric's Data or a NetworkX graph."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.edge_times import EdgeTimes
from ncnc_core.graph.event_history import EventHistory
from ncnc_core.inputs.edge_times import TimeInput, edge_times
from ncnc_core.inputs.features import FeatureInput, feature_ids, read_features
from ncnc_core.inputs.graph_parts import EdgeInput, GraphParts, WeightInput, graph_parts
from ncnc_core.inputs.node_ids import IdsInput, NodeId, NodePlaces, clean_ids, require_one_id_each

if TYPE_CHECKING:
    from torch_geometric.data import Data


# Numbers without ids beside them number the nodes; from this many nodes on they are taken for ids if so many nodes are
# named an end of an edge.
FEWEST_REFUSED, POSITIONS_AN_END = 10_000, 10


@dataclass(frozen=True, eq=False)
class GraphInput:
    """A graph that was read and checked.

    `edges` [2, edges] int64 are positions, as given: repeats and self-loops are still there. `features` are [nodes,
    features] float32 (dense or compressed sparse rows), int64 categories [nodes], or None. `node_ids` [nodes] are the
    ids by position. `weight` [edges] is float32, or None where all edges weigh one. `time` [edges] is int64, or None.
    `directed`: each event went from the first end of its edge to the second.
    """

    edges: Tensor
    num_nodes: int
    features: Tensor | None
    node_ids: list[NodeId]
    weight: Tensor | None
    time: Tensor | None = None
    directed: bool = False

    def adjacency(self) -> Adjacency:
        """Return the undirected graph; either direction counts, repeats become one edge, self-loops are dropped."""
        times = None
        if self.history is not None and self.time is not None:
            one = torch.ones_like(self.time)
            times = EdgeTimes(self.time, self.time, one, self.history.arrivals, one if self.directed else None)
        return Adjacency.from_edges(self.edges, self.num_nodes, self.weight, times)

    @cached_property
    def history(self) -> EventHistory | None:
        """Return every edge with its events; None where they have no times."""
        if self.time is None:
            return None
        return EventHistory.of_events(self.edges, self.time, self.num_nodes, directed=self.directed)

    def with_edges(self, more: Int64[Tensor, "2 more"], predictor: str) -> GraphInput:
        """Return the graph with more edges, which weigh one where edges have weights; none of them has a time.

        Raises:
            InvalidGraph: the edges have times; `predictor` says whether they are read.
        """
        if self.time is not None:
            remedy = f"{predictor} reads no times: leave time out, or choose the predictor temporal_ncn without valid"
            if predictor == "temporal_ncn":
                remedy = "Leave valid out: the latest edges validate"
            raise InvalidGraph(f"valid was given without times, and the edges have them. {remedy}.")
        weight = None if self.weight is None else torch.cat([self.weight, torch.ones(more.shape[1])])
        return replace(self, edges=torch.cat([self.edges, more], 1), weight=weight)


def read_graph(
    edges: EdgeInput,
    features: FeatureInput = None,
    node_ids: IdsInput = None,
    *,
    edge_weight: WeightInput = None,
    time: TimeInput = None,
    directed: bool | None = None,
    source: str = "source",
    target: str = "target",
) -> GraphInput:
    """Read an undirected graph.

    `edges` is an array or tensor [2, edges] or [edges, 2] (with two rows and two columns, rows are the ends), a list of
    pairs, a table with a column for each end (pandas, polars, Arrow), a square sparse matrix (SciPy, torch), PyG `Data`
    with `edge_index` or `adj_t`, or a NetworkX graph. Pairs are ids, or positions where they come as `Positions`; rows
    of a matrix and of `Data` are positions. The nodes are those of `node_ids`; else of a feature table's index, the
    `Data` or the NetworkX graph; else all ids of a table or of text that occur, sorted. Whole numbers without any of
    these number the nodes: there are as many nodes as feature rows, or the highest number + 1; 10,000 or more that is
    over ten times the number of ends is refused. `features`: see `read_features`; for a NetworkX graph it may be a list
    of node attributes. `edge_weight` is a column, an edge attribute, or one number an edge; other values of a matrix
    than ones are weights. `time` is a column, an edge attribute, or one time an edge: see `edge_times`. (u, v) and
    (v, u) are one edge; repeats are its later events where there are times, and are dropped silently where there are
    none; self-loops and the direction of a directed graph are dropped with a warning. Where there are times, and the
    graph is `directed`, each event keeps its direction, source to target. None: it is where some edges stand in both
    directions and others in one; `Data`, a matrix and a NetworkX graph are where any edge stands in one.

    Raises:
        InvalidGraph: the edges, ids, features or weights break a rule; the message says which.
    """
    given = None if node_ids is None else clean_ids(node_ids, "node_ids")
    parts = graph_parts(edges, features, given, edge_weight, time, source=source, target=target)
    ids, parts = _node_ids(parts)
    positions = parts.ends.positions(NodePlaces(ids), "The edges")
    one_way, both_ways = _directions(positions)
    said = one_way > 0 and (parts.says_direction or both_ways > 0)
    directed = parts.time is not None and (said if directed is None else directed)
    _warn_of_what_is_dropped(positions, one_way if said and not directed else 0, both_ways)
    graph = GraphInput(
        edges=positions,
        num_nodes=len(ids),
        features=read_features(parts.features, ids),
        node_ids=ids,
        weight=edge_weights(parts.weight, positions.shape[1]),
        time=edge_times(parts.time, positions.shape[1]),
        directed=directed,
    )
    return _one_event_for_both_directions(graph) if parts.says_direction and not directed else graph


def as_data(adjacency: Adjacency, features: Tensor | None, node_ids: Sequence[NodeId]) -> Data:
    """Return a graph as PyTorch Geometric's Data: x, edge_index in both directions, and edge_weight where it has one.

    `edge_time` is the time of each edge's last event, where edges have times.

    `node_id` is the list of ids, left out where they are the positions; `read_graph` reads all of it back.
    """
    from torch_geometric.data import Data

    data = Data(x=features, edge_index=torch.stack([adjacency.row, adjacency.column]), num_nodes=adjacency.num_nodes)
    if adjacency.weight is not None:
        data.edge_weight = adjacency.weight
    if adjacency.times is not None:
        data.edge_time = adjacency.times.last
    if list(node_ids) != list(range(adjacency.num_nodes)):
        data.node_id = list(node_ids)
    return data


def _node_ids(parts: GraphParts) -> tuple[list[NodeId], GraphParts]:
    """Return the id of every position, and the parts, whose ends are positions now where the numbers number nodes."""
    ids = parts.node_ids or feature_ids(parts.features)
    if ids is not None:
        require_one_id_each(ids, len(ids))
        return ids, parts
    ends = parts.ends
    if parts.numbers_nodes and ends.values.dtype != object:
        parts = replace(parts, ends=replace(ends, are_ids=False))
    if not parts.ends.are_ids:
        return list(range(_count_nodes(parts))), parts
    if parts.features is not None:
        raise InvalidGraph(
            "The edges name nodes by id, and features has rows without ids. Give node_ids in the order of the rows, or "
            "features as a table indexed by node id."
        )
    return sorted(ends.distinct[0].tolist()), parts


def _count_nodes(parts: GraphParts) -> int:
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


def _one_event_for_both_directions(graph: GraphInput) -> GraphInput:
    """Return the graph without (v, u) where (u, v) stands at the same time with the same weight: one event, not two."""
    if graph.time is None:
        return graph
    low, high = graph.edges.amin(0), graph.edges.amax(0)
    weight = torch.zeros_like(low) if graph.weight is None else graph.weight.view(torch.int32).long()
    event = torch.stack([low, high, graph.time, weight]).unique(dim=1, return_inverse=True)[1]
    back = graph.edges[0] > graph.edges[1]
    keep = ~back | ~torch.isin(event, event[~back])
    weight_of_kept = None if graph.weight is None else graph.weight[keep]
    return replace(graph, edges=graph.edges[:, keep], weight=weight_of_kept, time=graph.time[keep])


def _directions(positions: Tensor) -> tuple[int, int]:
    """Return how many edges are given in one direction only, and how many in both.

    In Data, a matrix and a directed graph an edge without its reverse has a direction. A list of pairs holds each
    undirected edge once, so there only one that holds some edges in both directions and others in one says anything.
    """
    if positions.numel() == 0:
        return 0, 0
    low, high = positions.min(0).values, positions.max(0).values
    size = int(high.max()) + 1
    distinct = (low * size + high)[low != high].unique().numel()
    both = (positions[0] * size + positions[1])[low != high].unique().numel() - distinct
    return distinct - both, both


def _warn_of_what_is_dropped(positions: Tensor, one_way: int, both_ways: int) -> None:
    """Warn of self-loops, and of edges whose direction is dropped."""
    loops = int((positions[0] == positions[1]).sum())
    if loops:
        warnings.warn(f"{loops} of {positions.shape[1]} edges join a node with itself and are dropped.", stacklevel=4)
    if one_way:
        warnings.warn(
            f"{one_way} of {one_way + both_ways} edges are given in one direction only, and the graphs here are "
            "undirected: their direction is dropped.",
            stacklevel=4,
        )


def edge_weights(weight: WeightInput, count: int) -> Tensor | None:
    """Return one float32 an edge, or None.

    Raises:
        InvalidGraph: there is another number of them, or one is no number.
    """
    if weight is None:
        return None
    try:
        tensor = weight if isinstance(weight, Tensor) else torch.from_numpy(np.array(weight, dtype=np.float32))
    except (TypeError, ValueError) as error:
        raise InvalidGraph(f"edge_weight holds what is no number ({error}). Give one number an edge.") from error
    if tensor.shape != (count,):
        raise InvalidGraph(
            f"edge_weight has the shape {list(tensor.shape)} for {count} edges. Give one number an edge, [edges]."
        )
    return tensor.detach().cpu().to(torch.float32)
