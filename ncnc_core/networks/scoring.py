"""Scoring any number of pairs within bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.cost_chunks import cost_chunks
from ncnc_core.graph.positions import require_positions
from ncnc_core.networks.any_network import AnyNetwork

ENTRIES_AT_ONCE = 2**20  # neighbours expanded at a time, about 100 bytes each: bounds memory, not the result
ENTRIES_OF_A_PAIR = 16  # what a pair holds beside its neighbours: some six activations of 64 channels


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
    did: Callable[[int], None] | None = None,
) -> Float[Tensor, " pairs"]:
    """Return the logits of the pairs on this message graph, in evaluation mode, cut by the neighbours they expand.

    `did` hears of the number of pairs of each part. A count of pairs would not bound memory: the neighbours of one hub
    can outnumber those of a thousand other nodes. Nor is the sum of both degrees what is held: by it, 20,000 partners
    of a hub of 30,000 links were cut into 571 parts.

    Raises:
        InvalidGraph: a position is negative or not below the number of nodes.
    """
    require_positions(pairs, adjacency.num_nodes)
    logits = []
    with evaluating(network):
        score = network.scorer(levels, adjacency, pairs)
        for part in cost_chunks(pair_costs(network, adjacency, pairs), entries_at_once):
            logits.append(score(levels, adjacency, pairs[:, part]))
            if did is not None:
                did(part.stop - part.start)
    return torch.cat([levels[0].new_zeros(0), *logits])


def pair_costs(network: AnyNetwork, adjacency: Adjacency, pairs: Int64[Tensor, "2 pairs"]) -> Int64[Tensor, " pairs"]:
    """Return how many entries scoring each pair holds at a time: the smaller of two bounds."""
    whole = 1 + adjacency.degree[pairs].sum(0)
    return torch.minimum(whole, ENTRIES_OF_A_PAIR + network.expanded(adjacency, pairs))


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
