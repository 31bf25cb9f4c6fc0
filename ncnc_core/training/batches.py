"""The pairs of one epoch: which edges are learned, in which order, against which negatives."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from jaxtyping import Int64
from torch import Tensor

from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.splits.negatives import uniform_pairs
from ncnc_core.training.data import TrainingData


def batch_sizes(num_edges: int, training: TrainingConfig) -> list[int]:
    """Return the number of positives of each batch of an epoch.

    Batches of equal size, give or take one, none dropped and none above batch_size or max_batch_fraction of the edges:
    target link removal would leave too little graph. With drop_last_as_published they are of batch_size exactly, the
    rest is left out, and no share of the edges is too much.

    Raises:
        InvalidGraph: drop_last_as_published would drop everything.
    """
    count = min(num_edges, training.pairs_per_epoch or num_edges)
    if training.drop_last_as_published:
        whole = count // training.batch_size
        if whole == 0:
            raise InvalidGraph(
                f"drop_last_as_published trains on whole batches of {training.batch_size} only, but an epoch has "
                f"{count} training edges: there would be 0 steps. Set training.batch_size to at most {count}, or "
                "drop_last_as_published: false."
            )
        return [training.batch_size] * whole
    largest = max(1, min(training.batch_size, int(num_edges * training.max_batch_fraction)))
    parts = math.ceil(count / largest)
    return [count // parts + (part < count % parts) for part in range(parts)]


def epoch_batches(
    data: TrainingData, training: TrainingConfig, never_negative: Int64[Tensor, " keys"], sampler: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield (positives [2, p], negatives [2, p * k]) of one epoch, on the device of the data.

    The negatives of positive b are columns b * k to b * k + k - 1. Everything is drawn before the first batch, so that
    an epoch takes the same numbers from the sampler however its batches are used.
    """
    edges, repeat = data.train_edges, training.negatives_per_positive
    sizes = batch_sizes(edges.shape[1], training)
    wanted = min(edges.shape[1], training.pairs_per_epoch or edges.shape[1])
    order = random_order(edges.shape[1], wanted, sampler)[: sum(sizes)].to(edges.device)
    negatives = uniform_pairs(order.numel() * repeat, never_negative, data.num_nodes, sampler)
    start = 0
    for size in sizes:
        stop = start + size
        yield edges[:, order[start:stop]], negatives[:, start * repeat : stop * repeat]
        start = stop


def random_order(count: int, wanted: int, generator: torch.Generator) -> Int64[Tensor, " wanted"]:
    """Draw `wanted` different numbers below `count`, in random order; few of many cost O(wanted log wanted)."""
    if wanted * 4 > count:
        return torch.randperm(count, generator=generator)[:wanted]
    drawn = torch.empty(0, dtype=torch.int64)
    while drawn.numel() < wanted:  # at most a third of the draws collide, so a second round is rare
        more = torch.randint(count, (wanted + wanted // 2 + 16,), generator=generator)
        drawn = _first_of_each(torch.cat([drawn, more]))
    return drawn[:wanted]


def _first_of_each(numbers: Tensor) -> Tensor:
    """Return the numbers in their order without repeats; sorting them would no longer be random."""
    order = numbers.argsort(stable=True)
    ascending = numbers[order]
    first = torch.ones_like(ascending, dtype=torch.bool)
    first[1:] = ascending[1:] != ascending[:-1]
    return numbers[order[first].sort().values]
