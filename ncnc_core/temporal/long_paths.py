"""Paths of three steps between two nodes, weighed by recency and by events."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.kernels import long_paths as kernels
from ncnc_core.kernels.thread_slices import in_slices
from ncnc_core.temporal.timed_graph import SCALES, TimedGraph, required_times

HUB = 1024  # neighbours; through a node of more a walk is long, and its row may be searched instead
SMALLEST_SUM = 1e-9  # divided by at least: what is long past sums to 0
LONG_PATHS = ("long_paths", *(f"recent_long_paths_{scale:g}" for scale in SCALES), "long_paths_of_events")


def long_paths(graph: TimedGraph, pairs: Int64[Tensor, "2 pairs"]) -> Float[Tensor, "pairs kinds"]:
    """Return LONG_PATHS: paths of three steps whose edges weigh one, their decay at a scale, or log1p of their events.

    Each inner node's edges are divided by the sum of their weights.
    """
    weight, scale = graph.once(_weights)
    return walked_paths(graph, cheaper_first(graph, pairs), (weight, weight, weight), (scale, scale))


def _weights(graph: TimedGraph) -> tuple[Float[Tensor, "entries kinds"], Float[Tensor, "nodes kinds"]]:
    decay, events = graph.decay.cpu().double(), required_times(graph.adjacency).events.cpu().double().log1p()
    weight = torch.cat([torch.ones_like(decay[:, :1]), decay, events.unsqueeze(1)], 1)
    return weight, root_scale(graph, weight)


def cheaper_first(graph: TimedGraph, pairs: Int64[Tensor, "2 pairs"]) -> Int64[Tensor, "2 pairs"]:
    """Return the pairs with that end first from which a walk of two steps is the shorter one."""
    reach = graph.once(_reach)
    return torch.where(reach[pairs[0]] > reach[pairs[1]], pairs.flip(0), pairs)


def _reach(graph: TimedGraph) -> Float[Tensor, " nodes"]:
    """Return how many steps a walk of two takes from each node, in all."""
    adjacency = graph.adjacency.to("cpu")
    return adjacency.neighbor_sum(adjacency.degree.double().unsqueeze(1), weighted=False).squeeze(1)


def root_scale(graph: TimedGraph, weight: Float[Tensor, "entries kinds"]) -> Float[Tensor, "nodes kinds"]:
    """Return one over the root of the sum of each node's weights."""
    total = torch.segment_reduce(weight, "sum", offsets=graph.adjacency.row_pointer.cpu(), initial=0)
    return total.clamp(min=SMALLEST_SUM).rsqrt()


def walked_paths(
    graph: TimedGraph, pairs: Tensor, weights: tuple[Tensor, ...], scales: tuple[Tensor, ...]
) -> Float[Tensor, "pairs kinds"]:
    """Return for each pair (near, far) the sums of `sum_long_paths`: `weights` of the three steps, `scales` of u and v.

    It costs less where pairs are as `cheaper_first` turns them.
    """
    adjacency = graph.adjacency.to("cpu")
    near, far = pairs
    order = near.argsort(stable=True)
    distinct, sizes = near[order].unique_consecutive(return_counts=True)
    group = torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])
    out = np.empty((pairs.shape[1], weights[0].shape[1]))
    given = (adjacency.row_pointer, adjacency.column, *weights, *scales, distinct, group, far[order])
    arrays: list[Any] = [one.contiguous().numpy() for one in given]
    in_slices(lambda start, stop: kernels.sum_long_paths(*arrays, out, start, stop, HUB), distinct.numel(), least=64)
    found = torch.empty(out.shape, dtype=torch.float64)
    found[order] = torch.from_numpy(out)
    return found
