"""What a ranking can reach at most where some nodes are alike: nobody tells them apart without features."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from ncnc_core.evaluation.ranking import reciprocal_ranks
from ncnc_core.graph.adjacency import pair_keys


def attainable_reciprocal_ranks(
    positives: Int64[Tensor, "2 positives"], negatives: Int64[Tensor, "2 negatives"], alike: Bool[Tensor, " nodes"]
) -> Float[Tensor, " positives"]:
    """Return 1 / rank of each positive above all negatives but those that are alike to it, which tie with it.

    `alike` marks the nodes of which nothing is known, neither an edge nor a feature. Two pairs are alike if they are
    equal once all these nodes are one: (u, v) with v unknown, and (u, w) with w unknown. A scorer that gives alike
    pairs one score, as every function of the graph does, reaches no more. (One that scores unknown nodes at random
    breaks these ties by chance, which counts a little more on average: H(m + 1) / (m + 1) with m ties, where a tie
    counts 1 / (1 + m / 2).) The negatives of positive b are consecutive; float64.
    """
    nodes = alike.numel()
    node = torch.where(alike, nodes, torch.arange(nodes, device=alike.device))  # all that are alike become one
    positive, negative = (pair_keys(node[pairs], nodes + 1) for pairs in (positives, negatives))
    ties = negative.view(positive.numel(), -1) == positive[:, None]
    return reciprocal_ranks(torch.ones_like(positive, dtype=torch.float64), ties.double())
