"""Where each node lies along the leading eigenvectors of a graph."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.ragged_sum import ragged_sum

RANK = 32
SPARE = 8  # vectors iterated beside those wanted: the last wanted one converges as fast as the gap behind these
ROUNDS = 10


def spectral_rows(adjacency: Adjacency, weight: Float[Tensor, " entries"] | None = None) -> Float[Tensor, "nodes rank"]:
    """Return each node's row of U L^1/2, with the RANK largest positive eigenvalues L of S and their vectors U.

    S = D^-1/2 W D^-1/2, D = 1 + the row sums of W: so the product of two rows is S between two nodes, at that rank. It
    does not depend on the signs and rotations of U, so it can be compared between graphs. Nodes without edges have rows
    of zeros, and change no other row. Block power iteration on S + I from a fixed start, then Rayleigh-Ritz; O(ROUNDS *
    (entries + nodes * RANK) * RANK).
    """
    placed = adjacency.column.new_zeros(adjacency.num_nodes, RANK, dtype=torch.float32)
    nodes = adjacency.degree.nonzero().flatten()
    if nodes.numel() == 0:
        return placed
    # Without the others, which come after the time that the graph is of: they would have a part in a start at random.
    place = torch.zeros_like(adjacency.degree)
    place[nodes] = torch.arange(nodes.numel(), device=nodes.device)
    pointer, column = torch.cat([adjacency.row_pointer[:1], adjacency.row_pointer[1:][nodes]]), place[adjacency.column]
    ones = torch.ones_like(column, dtype=torch.float32) if weight is None else weight
    scale = (1 + torch.segment_reduce(ones, "sum", offsets=pointer, initial=0)).rsqrt().unsqueeze(1)

    def times_s(x: Tensor) -> Tensor:
        return scale * ragged_sum(scale * x, pointer, column, weight, symmetric=True)

    width = min(RANK + SPARE, nodes.numel())
    block = torch.randn(nodes.numel(), width, generator=torch.Generator().manual_seed(0)).to(scale.device)
    for _ in range(ROUNDS):
        block = torch.linalg.qr(times_s(block) + block).Q
    values, vectors = torch.linalg.eigh(block.T @ times_s(block))
    wanted = values.argsort(descending=True)[:RANK]
    placed[nodes, : wanted.numel()] = (block @ vectors[:, wanted]) * values[wanted].clamp(min=0).sqrt()
    return placed
