"""Edge dropout: each directed entry on its own, as published, or an edge as a whole."""

from __future__ import annotations

from typing import TypeVar

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.graph.pair_keys import pair_keys
from ncnc_core.graph.roles import Graph

Kind = TypeVar("Kind", bound=Graph)


def drop_edges(graph: Kind, probability: float, training: bool, *, symmetric: bool = False) -> tuple[Kind, float]:
    """Return the graph with each directed entry kept with 1 - probability, and the weight 1/(1 - probability) of it.

    Without `symmetric`, (u, v) and (v, u) are drawn apart, so the result is not symmetric; with it they share one
    draw. Draws from the global generator. Overlaps that were drawn ahead stay as they are: their edges are dropped.
    """
    if not training or probability == 0.0:
        return graph, 1.0
    return graph.dropped(probability, symmetric=symmetric), 1 / (1 - probability)


def entry_draws(
    column: Int64[Tensor, " entries"], num_nodes: int, row: Int64[Tensor, " entries"] | None
) -> Float[Tensor, " entries"]:
    """Return a random number in [0, 1) for each entry; given its row, (u, v) and (v, u) get the same one."""
    if row is None:
        return torch.rand(column.numel(), device=column.device)
    return uniforms_of_keys(pair_keys(torch.stack([row, column]), num_nodes))


def uniforms_of_keys(keys: Int64[Tensor, " entries"]) -> Float[Tensor, " entries"]:
    """Return a number in [0, 1) an entry, the same for equal keys, and another one at each call.

    A hash (splitmix64) of the key and one drawn seed: to pair the two entries of an edge up would take a sort.
    """
    seed = torch.randint(2**62, (1,), device=keys.device)
    z = keys * -7046029254386353131 + seed  # int64 wraps around, as splitmix64 wants it
    z = (z ^ _shifted(z, 30)) * -4658895280553007687
    z = (z ^ _shifted(z, 27)) * -7723592293110705685
    return _shifted(z ^ _shifted(z, 31), 11).to(torch.float64) / 2**53


def _shifted(z: Tensor, bits: int) -> Tensor:
    return (z >> bits) & ((1 << (64 - bits)) - 1)  # torch shifts the sign in: mask it off
