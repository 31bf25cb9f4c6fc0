"""A graph with more nodes and edges, made without sorting what is sorted."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Int64
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency, contains_keys
from ncnc_core.graph.edge_times import EdgeTimes
from ncnc_core.graph.positions import require_positions, require_room_for_keys


def grown_adjacency(adjacency: Adjacency, num_nodes: int, edges: Int64[Tensor, "2 edges"]) -> Adjacency:
    """Return a graph without weights with nodes added behind its own, and edges among them all.

    Edges that are there, repeats and self-loops add nothing. Cost: one copy of the entries and of the nodes, and a sort
    of the new edges alone.

    Raises:
        InvalidGraph: an end is negative or not below `num_nodes`.
    """
    require_room_for_keys(num_nodes)
    require_positions(edges, num_nodes, "edges", remedy="Raise num_nodes, or renumber the nodes.")
    more = adjacency.row_pointer[-1:].expand(num_nodes - adjacency.num_nodes)
    grown = Adjacency(torch.cat([adjacency.row_pointer, more]), adjacency.column, num_nodes, adjacency.symmetric)
    edges = edges[:, edges[0] != edges[1]]
    if edges.numel() == 0:
        return grown
    new = torch.cat([edges[0] * num_nodes + edges[1], edges[1] * num_nodes + edges[0]]).unique()
    new = new[~contains_keys(grown.keys, new)]
    keys = torch.empty(grown.num_entries + new.numel(), dtype=torch.int64, device=new.device)
    is_new = torch.zeros_like(keys, dtype=torch.bool)
    is_new[torch.searchsorted(grown.keys, new) + torch.arange(new.numel(), device=new.device)] = True
    keys[is_new], keys[~is_new] = new, grown.keys
    return Adjacency.from_sorted_keys(keys, num_nodes)


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
