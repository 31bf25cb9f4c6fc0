"""Scoring any number of pairs within bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.cost_chunks import cost_chunks
from ncnc_core.graph.positions import require_positions
from ncnc_core.networks.any_network import AnyNetwork

ENTRIES_AT_ONCE = 2**20  # neighbours expanded at a time, about 100 bytes each: bounds memory, not the result


def node_levels(network: AnyNetwork, features: Tensor | None, adjacency: Adjacency) -> list[Tensor]:
    """Return what every batch on this graph needs, in evaluation mode: the embeddings and their transforms."""
    with evaluating(network):
        return network.node_levels(features, adjacency)


def score_pairs(
    network: AnyNetwork,
    levels: list[Tensor],
    adjacency: Adjacency,
    pairs: Int64[Tensor, "2 pairs"],
    *,
    entries_at_once: int = ENTRIES_AT_ONCE,
) -> Float[Tensor, " pairs"]:
    """Return the logits of the pairs on this message graph, in evaluation mode, cut by the neighbours they expand.

    A count of pairs would not bound memory: the neighbours of one hub can outnumber those of a thousand other nodes.

    Raises:
        InvalidGraph: a position is negative or not below the number of nodes.
    """
    require_positions(pairs, adjacency.num_nodes)
    cost = 1 + adjacency.degree[pairs].sum(0)
    with evaluating(network):
        score = network.scorer(levels, adjacency, pairs)
        logits = [score(levels, adjacency, pairs[:, part]) for part in cost_chunks(cost, entries_at_once)]
    return torch.cat([levels[0].new_zeros(0), *logits])


@contextmanager
def evaluating(network: AnyNetwork) -> Iterator[None]:
    """No gradients and no dropout inside the block; the network's mode is restored after it."""
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        network.train(was_training)
