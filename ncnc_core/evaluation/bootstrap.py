"""Percentile bootstrap intervals of means, with a bounded memory."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.errors import InvalidGraph

DRAWS_AT_ONCE = 2**22  # 32 MiB of int64 draws, and as much again of their counts


class MetricInterval(NamedTuple):
    """An estimate with its bootstrap confidence bounds."""

    value: float
    low: float
    high: float


def bootstrap_mean(
    values: Float[Tensor, " values"],
    *,
    samples: int,
    confidence: float,
    generator: torch.Generator,
    clusters: Int64[Tensor, " values"] | None = None,
) -> MetricInterval:
    """Return the mean of the values with its percentile bootstrap bounds; see `bootstrap_means`."""
    intervals = bootstrap_means(
        values[None], samples=samples, confidence=confidence, generator=generator, clusters=clusters
    )
    return intervals[0]


def bootstrap_means(
    values: Float[Tensor, "metrics values"],
    *,
    samples: int,
    confidence: float,
    generator: torch.Generator,
    clusters: Int64[Tensor, " values"] | None = None,
) -> tuple[MetricInterval, ...]:
    """Return the mean of each row with its percentile bootstrap bounds, all rows on the same resamples.

    Without `clusters` each value is drawn on its own. Edges that share a node are not independent: with `clusters`,
    one id per value (the busier endpoint of each edge is a good one), whole clusters are drawn, and a resample's mean
    is its sum over its size. Cost: samples * units draws, in blocks of DRAWS_AT_ONCE.

    Raises:
        InvalidGraph: there is no value, no sample, or the confidence lies outside (0, 1).
    """
    count = values.shape[1]
    if count == 0 or samples < 1 or not 0 < confidence < 1:
        raise InvalidGraph(
            f"A bootstrap needs values, samples and a confidence between 0 and 1, but got {count} values, {samples} "
            f"samples and confidence {confidence}. Pass at least one value and one sample, and a confidence like 0.95."
        )
    rows = torch.cat([values.double(), torch.ones_like(values[:1], dtype=torch.float64)])
    sums = resampled_sums(rows, samples=samples, generator=generator, clusters=clusters)
    means = sums[:, :-1] / sums[:, -1:]  # [samples, metrics]
    return tuple(
        interval_of(float(mean), drawn, confidence)
        for mean, drawn in zip(values.double().mean(1), means.T, strict=True)
    )


def interval_of(value: float, drawn: Float[Tensor, " samples"], confidence: float) -> MetricInterval:
    """Return an estimate with the percentile bounds of what its resamples gave."""
    tail = (1 - confidence) / 2
    low, high = drawn.quantile(torch.tensor([tail, 1 - tail], dtype=drawn.dtype, device=drawn.device)).tolist()
    return MetricInterval(value, low, high)


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
