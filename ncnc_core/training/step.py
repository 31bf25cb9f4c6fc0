"""The gradients of one batch, in pieces, so that memory does not grow with the batch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.cost_chunks import cost_chunks
from ncnc_core.graph.roles import OverlapGraph
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.ncnc import Scorer
from ncnc_core.overlap.dense import is_dense
from ncnc_core.sampling.batch_sampler import BatchSampler
from ncnc_core.training.losses import positive_losses

# What a piece may keep for its backward pass; more would gain nothing, less would run small matrix products.
BYTES_AT_ONCE = {"cpu": 2**28, "cuda": 2**32}
BYTES_PER_CHANNEL = 80  # of a pair: about twenty float32 activations in the head
BYTES_PER_NEIGHBOR = 64  # that a pair holds (`expanded`): positions and weights of what is pooled


def require_own_edge_hidden(model: ModelConfig, training: TrainingConfig) -> None:
    """Refuse target_link_removal: pair where a pair's own edge would tell on itself all the same.

    N(i) ∩ N(j) holds neither i nor j, so that the edge between them is hidden from it as it is. But N2(j) is reached
    through i, and the inner pairs (j, u) of completion have i for a common neighbour if and only if (i, j) is an edge.

    Raises:
        InvalidGraph: the predictor looks beyond the first overlap, or counts known edges as published.
    """
    if training.target_link_removal != "pair":
        return
    completes = model.predictor == "ncnc" and model.completion_depth > 0 and model.completion_alpha > 0
    counts_itself = model.predictor == "ncn_diff" and model.score_known_edges_as_published
    if model.predictor == "ncn2" or completes or counts_itself:
        raise InvalidGraph(
            "target_link_removal: pair hides a pair's own edge from the overlap of its two nodes, but "
            f"{model.predictor} sees it once more, from a neighbour's side, and would learn to look for it. "
            "Set target_link_removal: batch, or predictor: ncn."
        )


def accumulate_gradients(
    network: LinkNetwork,
    features: Tensor | None,
    adjacency: Adjacency,
    positives: Int64[Tensor, "2 positives"],
    negatives: Int64[Tensor, "2 negatives"],
    training: TrainingConfig,
    *,
    sampler: BatchSampler | None = None,
    bytes_at_once: int | None = None,
    of_batch: Int64[Tensor, "2 batch"] | None = None,
) -> Float[Tensor, ""]:
    """Add the gradients of one batch to the network's, and return its loss.

    The encoder runs once. The pairs are scored in pieces, each positive together with its own k negatives (columns
    b * k to b * k + k - 1 of `negatives`), and each piece's gradient is collected at the node values before one
    backward pass goes through the encoder. The loss is that of the undivided batch; only dropout is drawn otherwise,
    a predictor's edge dropout once a piece. Memory: that of the encoder and of one piece.

    With a `sampler` the encoder and the overlaps see a sample of the batch's surroundings instead of the whole graph.
    Where the pairs are a share of a batch, `of_batch` has all its positives: these are hidden, and the loss is divided
    by their number, so that the shares' losses and gradients add up to those of the batch.
    """
    batch = positives if of_batch is None else of_batch
    if positives.shape[1] == 0:  # more processes than positives
        return torch.zeros((), device=batch.device)
    device_type = positives.device.type

    def autocast() -> torch.autocast:
        return torch.autocast(device_type, torch.bfloat16, enabled=training.precision == "bfloat16")

    with autocast():
        hidden = batch if training.target_link_removal == "batch" else None
        h, target, positives, negatives = _embedded(network, features, adjacency, positives, negatives, hidden, sampler)
        h = h.float()  # what nodes hold and sums are of stays float32; only products of matrices are halved
    count = batch.shape[1]
    draws = 2 if training.separate_node_dropout_as_published else 1
    limit = bytes_at_once or _bytes_at_once(h, draws)
    parts = list(cost_chunks(_bytes(network, target, positives, negatives, h.shape[1]), limit))
    # Pieces share the transform of all nodes; a single one transforms the nodes it reads, often a fraction.
    reads_all = len(parts) > 1 or is_dense(target)
    with autocast():
        levels = [network.predictor.node_levels(h) if reads_all else [h] for _ in range(draws)]
        both = [torch.cat([positives, negatives], 1)] if draws == 1 else [positives, negatives]
        scorers = [network.scorer(values, target, pairs) for values, pairs in zip(levels, both, strict=True)]

    def score(values: list[list[Tensor]], part: slice) -> Tensor:
        with autocast():
            positive, negative = _logits(scorers, values, target, positives, negatives, part)
        losses: Tensor = positive_losses(training.loss, positive.float(), negative.float())
        return losses.sum() / count

    if len(parts) == 1:
        loss = score(levels, parts[0])
        loss.backward()
        return loss.detach()
    return _backward_in_pieces(levels, parts, score)


def _bytes_at_once(h: Tensor, draws: int) -> int:
    """Return what a piece may keep; at least what it costs by itself, a gradient of h and g at every node."""
    return max(BYTES_AT_ONCE.get(h.device.type, BYTES_AT_ONCE["cpu"]), 8 * draws * h.numel() * h.element_size())


def _embedded(
    network: LinkNetwork,
    features: Tensor | None,
    adjacency: Adjacency,
    positives: Tensor,
    negatives: Tensor,
    hidden: Tensor | None,
    sampler: BatchSampler | None,
) -> tuple[Tensor, OverlapGraph, Tensor, Tensor]:
    """Return the node embeddings, the graph that overlaps are taken on, and the pairs in its positions."""
    if sampler is None:
        target = adjacency if hidden is None else adjacency.without(hidden)
        return network.encode(features, target), target, positives, negatives
    batch = sampler.draw(network, features, torch.cat([positives, negatives], 1), hidden)
    positives, negatives = batch.pairs.split([positives.shape[1], negatives.shape[1]], dim=1)
    return batch.encode(network, features), batch.overlap, positives, negatives


def _logits(
    scorers: list[Scorer],
    levels: list[list[Tensor]],
    adjacency: OverlapGraph,
    positives: Tensor,
    negatives: Tensor,
    part: slice,
) -> tuple[Tensor, Tensor]:
    """Return the logits of some positives, [positives], and of their negatives, [positives, negatives]."""
    repeat = negatives.shape[1] // positives.shape[1]
    positives, negatives = positives[:, part], negatives[:, part.start * repeat : part.stop * repeat]
    count = positives.shape[1]
    if len(levels) == 2:
        positive, negative = (
            score(values, adjacency, pairs)
            for score, values, pairs in zip(scorers, levels, (positives, negatives), strict=True)
        )
    else:  # one call drops the edges once, and completes what both have in common once
        logits = scorers[0](levels[0], adjacency, torch.cat([positives, negatives], 1))
        positive, negative = logits[:count], logits[count:]
    return positive, negative.view(count, repeat)


def _backward_in_pieces(
    levels: list[list[Tensor]], parts: list[slice], score: Callable[[list[list[Tensor]], slice], Tensor]
) -> Tensor:
    """Run the pieces from copies of the node values that collect the gradients, then the encoder once."""
    leaves = [[level.detach().requires_grad_(level.requires_grad) for level in values] for values in levels]
    total = torch.zeros((), device=levels[0][0].device)
    for part in parts:
        loss = score(leaves, part)
        loss.backward()
        total += loss.detach()
    reached = [
        (level, leaf.grad)
        for values, copies in zip(levels, leaves, strict=True)
        for level, leaf in zip(values, copies, strict=True)
        if leaf.grad is not None
    ]
    if reached:
        torch.autograd.backward([level for level, _ in reached], [gradient for _, gradient in reached])
    return total


def _bytes(network: LinkNetwork, graph: OverlapGraph, positives: Tensor, negatives: Tensor, channels: int) -> Tensor:
    """Return about how much each positive, with its negatives, keeps for the backward pass, [positives]."""
    of_negatives = network.expanded(graph, negatives).view(positives.shape[1], -1)  # [positives, negatives]
    pairs = 1 + of_negatives.shape[1]
    held = network.expanded(graph, positives) + of_negatives.sum(1)
    return BYTES_PER_CHANNEL * channels * pairs + BYTES_PER_NEIGHBOR * held
