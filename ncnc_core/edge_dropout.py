"""Edge dropout: each directed entry on its own, as published."""

from __future__ import annotations

import torch

from ncnc_core.adjacency import Adjacency


def drop_edges(adjacency: Adjacency, probability: float, training: bool) -> tuple[Adjacency, float]:
    """Return the graph with each directed entry kept with 1 - probability, and the weight 1/(1 - probability) of it.

    (u, v) and (v, u) are drawn apart, so the result is not symmetric. Draws from the global generator.
    """
    if not training or probability == 0.0:
        return adjacency, 1.0
    keep = torch.rand(adjacency.column.numel(), device=adjacency.column.device) >= probability
    return adjacency.masked(keep), 1 / (1 - probability)
