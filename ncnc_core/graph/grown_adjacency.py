"""A graph with more nodes and edges, made without sorting what is sorted."""

from __future__ import annotations

import torch
from jaxtyping import Int64
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency, contains_keys
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
