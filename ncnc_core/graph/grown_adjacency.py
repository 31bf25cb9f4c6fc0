"""A graph with more nodes and edges, made without sorting what is sorted."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.changed_rows import rows_with
from ncnc_core.graph.edge_times import EdgeTimes
from ncnc_core.graph.edge_weights import one_weight_a_key
from ncnc_core.graph.positions import require_positions, require_room_for_keys
from ncnc_core.kernels import entries as kernels


def grown_adjacency(
    adjacency: Adjacency,
    num_nodes: int,
    edges: Int64[Tensor, "2 edges"],
    weight: Float[Tensor, " edges"] | None = None,
) -> Adjacency:
    """Return a graph on the CPU, without times, with nodes added behind its own, and edges among them all.

    Edges that are there, repeats and self-loops add nothing. Without `weight` new edges weigh one; with it, so do all
    edges of a graph that has no weights. Cost: one copy of the entries and of the nodes, and a sort of the new edges
    alone.

    Raises:
        InvalidGraph: an end is negative or not below `num_nodes`, a weight is no finite number, or an edge that is
            there, or comes twice, is given another weight.
    """
    require_room_for_keys(num_nodes)
    require_positions(edges, num_nodes, "edges", remedy="Raise num_nodes, or renumber the nodes.")
    more = adjacency.row_pointer[-1:].expand(num_nodes - adjacency.num_nodes)
    weights = adjacency.weight
    if weights is None and weight is not None:
        weights = torch.ones(adjacency.num_entries)
    pointer = torch.cat([adjacency.row_pointer, more])
    rows = Adjacency(pointer, adjacency.column, num_nodes, adjacency.symmetric, weights)
    is_edge = edges[0] != edges[1]
    keys, weight = _new_keys(rows, edges[:, is_edge], None if weight is None else weight[is_edge])
    row = keys.div(max(num_nodes, 1), rounding_mode="floor")
    grown = rows_with(pointer, rows.column, weights, torch.stack([row, keys - row * num_nodes]), weight)
    return Adjacency(grown[0], grown[1], num_nodes, adjacency.symmetric, grown[2])


def _new_keys(rows: Adjacency, edges: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the directed keys, ascending, of those edges that the graph lacks, and the weight of each."""
    both = torch.cat([edges, edges.flip(0)], 1)
    keys = both[0] * rows.num_nodes + both[1]
    place = torch.from_numpy(kernels.find_entries(*(one.numpy() for one in (rows.row_pointer, rows.column, *both))))
    known = place >= 0
    if weight is None or rows.weight is None:
        distinct = keys[~known].unique()
        return distinct, torch.ones(distinct.numel())
    # Those that are known stand before what is given: two weights of one edge are refused in this order.
    given = torch.cat([rows.weight[place[known]], weight.float().repeat(2)])
    distinct, weight = one_weight_a_key(torch.cat([keys[known], keys]), given, rows.num_nodes)
    is_new = ~torch.isin(distinct, keys[known])
    return distinct[is_new], weight[is_new]


def grown_times(
    adjacency: Adjacency,
    times: EdgeTimes,
    edges: Int64[Tensor, "2 edges"],
    time: Int64[Tensor, " edges"] | None,
    before: Adjacency,
) -> EdgeTimes:
    """Return the times of a graph's edges, as `Adjacency.edges` has them, and behind them those of more edges.

    One of those that is an edge already is a later event of it. The clock moves by the others, less those that were an
    edge `before` others were taken away: it counts distinct edges. One that was taken away by an earlier call counts
    again, because a graph does not keep which edges are gone. Edges without times come with the graph's last one.
    """
    own = times.kept(adjacency.row < adjacency.column).to("cpu")
    if time is None:
        latest = [int(one.max()) for one in (own.last, own.arrivals) if one.numel()]
        time = torch.full((edges.shape[1],), max(latest, default=0))
    known = (edges < before.num_nodes).all(0)
    known[known.clone()] = before.has(edges[:, known].to(before.column.device)).cpu()
    low, high = edges.amin(0), edges.amax(0)
    keys = (low * (int(high.max()) + 1) + high)[~known & (low != high)] if edges.numel() else edges.new_zeros(0)
    distinct, place = keys.unique(return_inverse=True)
    latest_first = torch.iinfo(torch.int64).max
    came = torch.full_like(distinct, latest_first).scatter_reduce_(0, place, time[~known & (low != high)], "amin")
    return replace(own.with_more(time), arrivals=torch.cat([own.arrivals, came]).sort().values)
