"""The nodes around some nodes: what a change there can reach."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.kernels import entries as kernels


def nodes_within(adjacency: Adjacency, nodes: Int64[Tensor, " some"], steps: int) -> Bool[Tensor, " nodes"]:
    """Return which nodes of a graph on the CPU lie at most so many edges from one of `nodes`.

    O(nodes of the graph + entries of the rows walked): each row once.
    """
    is_near = torch.zeros(adjacency.num_nodes, dtype=torch.bool)
    is_near[nodes] = True
    walked = torch.zeros_like(is_near)
    for _ in range(steps):
        edge_of_it = (is_near & ~walked).nonzero().flatten()
        walked = is_near.clone()
        rows = (adjacency.row_pointer, adjacency.column, edge_of_it, is_near)
        kernels.mark_neighbors(*(one.numpy() for one in rows))
    return is_near
