"""Sums over bootstrap resamples of edges, in whole clusters, with a bounded memory."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor

DRAWS_AT_ONCE = 2**22  # 32 MiB of int64 draws, and as much again of their counts


def busier_ends(edges: Int64[Tensor, "2 edges"], generator: torch.Generator) -> Int64[Tensor, " edges"]:
    """Return, for each edge, that of its two ends which has more of the edges, of equal ones either by a draw.

    Edges that share a node are not independent: those with one busier end are a cluster.
    """
    degree = torch.bincount(edges.flatten())[edges]
    first = torch.rand(edges.shape[1], generator=generator, device=generator.device).to(edges.device) < 0.5
    return torch.where((degree[0] > degree[1]) | ((degree[0] == degree[1]) & first), edges[0], edges[1])


def resampled_sums(
    rows: Float[Tensor, "rows values"],
    *,
    samples: int,
    generator: torch.Generator,
    clusters: Int64[Tensor, " values"] | None = None,
) -> Float[Tensor, "samples rows"]:
    """Return the sum of every row over each resample of the columns, or of whole clusters of columns."""
    if clusters is not None:
        unique, cluster = torch.unique(clusters, return_inverse=True)
        rows = rows.new_zeros(len(rows), len(unique)).index_add_(1, cluster, rows)
    units = rows.shape[1]
    block = max(1, DRAWS_AT_ONCE // units)
    sums = []
    for start in range(0, samples, block):
        size = min(block, samples - start)
        drawn = torch.randint(units, (size, units), generator=generator, device=generator.device).to(rows.device)
        times = rows.new_zeros(size, units).scatter_add_(1, drawn, rows.new_ones(1).expand(size, units))
        sums.append(times @ rows.T)
    return torch.cat(sums)
