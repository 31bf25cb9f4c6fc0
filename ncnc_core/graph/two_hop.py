"""Neighbours two steps away, for NCN2: rows of the support of A squared, and what they share with a node's own row."""

from __future__ import annotations

import torch
from jaxtyping import Int64
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.neighbor_search import shared_neighbors
from ncnc_core.graph.node_lists import NodeLists


def two_hop_neighbors(adjacency: Adjacency, pairs: Int64[Tensor, "2 pairs"]) -> tuple[NodeLists, NodeLists]:
    """Return N(i) ∩ N2(j) and N(j) ∩ N2(i) for each pair (i, j), N2(u) the row of u in `two_hop_rows`."""
    far = two_hop_rows(adjacency, pairs.unique())
    return (
        shared_neighbors(adjacency, far, pairs[0], pairs[1]),
        shared_neighbors(adjacency, far, pairs[1], pairs[0]),
    )


def two_hop_rows(adjacency: Adjacency, nodes: Int64[Tensor, " rows"]) -> Adjacency:
    """Return the graph whose row u holds every node reached from u by a walk of two steps, u itself included.

    Only the rows of `nodes` are filled. Memory O(sum over the rows' neighbours of their degree): quadratic at a hub,
    which is why the published NCN2 runs out of memory on large graphs.
    """
    start, middle = _steps(adjacency, nodes)
    owner, end = _steps(adjacency, middle, label=start)
    keys = (owner * adjacency.num_nodes + end).unique()
    far = Adjacency.from_sorted_keys(keys, adjacency.num_nodes)
    return Adjacency(far.row_pointer, far.column, far.num_nodes, symmetric=False)


def _steps(adjacency: Adjacency, nodes: Tensor, label: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return, for every edge out of every node given, the node's label (itself by default) and the edge's end."""
    lengths = adjacency.degree[nodes]
    ends = torch.cumsum(lengths, 0)
    owner = torch.repeat_interleave(torch.arange(nodes.numel(), device=nodes.device), lengths)
    shift = adjacency.row_pointer[nodes] - (ends - lengths)
    end = adjacency.column[torch.arange(owner.numel(), device=nodes.device) + shift[owner]]
    return (nodes if label is None else label)[owner], end
