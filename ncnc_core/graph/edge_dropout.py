"""Edge dropout: each directed entry on its own, as published, or an edge as a whole."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency, pair_keys


def drop_edges(
    adjacency: Adjacency, probability: float, training: bool, *, symmetric: bool = False
) -> tuple[Adjacency, float]:
    """Return the graph with each directed entry kept with 1 - probability, and the weight 1/(1 - probability) of it.

    Without `symmetric`, (u, v) and (v, u) are drawn apart, so the result is not symmetric; with it they share one
    draw. Draws from the global generator.
    """
    if not training or probability == 0.0:
        return adjacency, 1.0
    if symmetric:
        keep = _edge_uniforms(adjacency) >= probability
    else:
        keep = torch.rand(adjacency.column.numel(), device=adjacency.column.device) >= probability
    return adjacency.masked(keep, symmetric=symmetric and adjacency.symmetric), 1 / (1 - probability)


def _edge_uniforms(adjacency: Adjacency) -> Float[Tensor, " entries"]:
    """Return a number in [0, 1) an entry, the same for (u, v) and (v, u).

    A hash (splitmix64) of the unordered pair and one drawn seed: to pair the entries up would take a sort each time.
    """
    device = adjacency.column.device
    seed = torch.randint(2**62, (1,), device=device)
    z = pair_keys(torch.stack([adjacency.row, adjacency.column]), adjacency.num_nodes)
    z = z * -7046029254386353131 + seed  # int64 wraps around, as splitmix64 wants it
    z = (z ^ _shifted(z, 30)) * -4658895280553007687
    z = (z ^ _shifted(z, 27)) * -7723592293110705685
    return _shifted(z ^ _shifted(z, 31), 11).to(torch.float64) / 2**53


def _shifted(z: Tensor, bits: int) -> Tensor:
    return (z >> bits) & ((1 << (64 - bits)) - 1)  # torch shifts the sign in: mask it off
