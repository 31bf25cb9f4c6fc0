"""Scoring pairs from samples of their neighbourhoods, where the whole graph is too large to be encoded."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.graph.cost_chunks import cost_chunks
from ncnc_core.graph.positions import require_positions
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.scoring import evaluating
from ncnc_core.sampling.batch_sampler import BatchSampler
from ncnc_core.sampling.overlaps import OverlapPlan

NODES_AT_ONCE = 2**20  # at most; neighbourhoods overlap, so a fraction of it is what a batch has: bounds memory


def score_pairs_sampled(
    network: LinkNetwork,
    features: Tensor | None,
    sampler: BatchSampler,
    pairs: Int64[Tensor, "2 pairs"],
    *,
    nodes_at_once: int = NODES_AT_ONCE,
    did: Callable[[int], None] | None = None,
) -> Float[Tensor, " pairs"]:
    """Return the logits of the pairs, in evaluation mode, each from at most `fan_out` neighbours a node and layer.

    `features` are those of the whole graph. Which neighbours are read depends on the node alone, so a score depends on
    neither the other pairs nor `nodes_at_once`, and the same pair scores the same tomorrow. With a fan-out above every
    degree and no overlap limit the logits are those of `scoring.score_pairs`, up to the order of summation.
    Time and memory are those of the pairs, not of the graph; pairs that share nodes cost less side by side. `did` hears
    of the number of pairs of each part.

    Raises:
        InvalidGraph: a position is none of the graph's, or the network has no sampled mode.
    """
    even = sampler.with_generator(None)
    with evaluating(network):
        logits = [torch.zeros(0, device=sampler.device)]
        for part in cost_chunks(_nodes(OverlapPlan.of(network), even, pairs), nodes_at_once):
            batch = even.draw(network, features, pairs[:, part])
            levels = network.predictor.node_levels(batch.encode(network, features))
            score = network.scorer(levels, batch.overlap, batch.pairs)
            logits.append(score(levels, batch.overlap, batch.pairs))
            if did is not None:
                did(part.stop - part.start)
    return torch.cat(logits)


def _nodes(plan: OverlapPlan, sampler: BatchSampler, pairs: Tensor) -> Tensor:
    """Return the largest number of nodes that each pair can bring, [pairs]."""
    require_positions(pairs, sampler.adjacency.num_nodes)
    degree = sampler.adjacency.degree[pairs]
    if sampler.overlap_limit is not None:
        degree = degree.clamp(max=sampler.overlap_limit)
    nodes = 2 + degree.amin(0) if plan.common else torch.full_like(pairs[0], 2)
    candidates = degree if plan.keep is None else degree.clamp(max=plan.keep)
    for _ in range(plan.one_sided_depth):
        nodes = nodes + candidates.sum(0) * (nodes if plan.completes else 1)
    for limit in sampler.fan_out:
        nodes = nodes * (1 + limit)
    return nodes
