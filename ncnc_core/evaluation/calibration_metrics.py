"""How well probabilities match outcomes: Brier score, expected calibration error and the reliability curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from scipy.special import ndtri, stdtrit
from torch import Tensor

from ncnc_core.evaluation.bootstrap import busier_ends, resampled_sums
from ncnc_core.evaluation.edge_mean import MetricInterval, edge_means

BINS = 10


class CalibrationBin(NamedTuple):
    """Pairs of like stated probability: its bounds, the mean stated, the share of edges with its bounds, its weight."""

    low: float
    high: float
    stated: float
    observed: float
    observed_low: float
    observed_high: float
    weight: float


@dataclass(frozen=True)
class CalibrationMetrics:
    """Brier score and expected calibration error (ECE) with their bounds, and the curve behind the ECE."""

    brier: MetricInterval
    ece: MetricInterval
    bins: tuple[CalibrationBin, ...]


def calibration_metrics(
    positive: Float[Tensor, " positives"],
    negative: Float[Tensor, "positives negatives"],
    edges: Int64[Tensor, "2 positives"],
    *,
    samples: int,
    confidence: float,
    generator: torch.Generator,
    bins: int = BINS,
) -> CalibrationMetrics:
    """Measure the stated probabilities of positives and of their own negatives, each kind weighing half.

    Brier = mean of (stated - truth)^2; ECE = sum over bins of weight * |stated - observed|. The bins hold equal weight,
    because equal widths would leave most of them nearly empty where a model is sure of itself, and an ECE over empty
    bins is mostly noise; equal probabilities share a bin. For the ECE, positives are resampled together with their
    negatives, and with all edges of one busier end, on the bins of all. Chance alone makes an ECE positive, and its
    lower bound allows for that: see `_ece_interval`. `edges` [2, positives] are the positives, each given once.
    Source: Roelofs et al., Mitigating bias in calibration error estimation, 2022. Cost: one sort of all probabilities.
    """
    positive, negative = positive.double(), negative.double()
    error = 0.5 * (1 - positive).square() + 0.5 * negative.square().mean(1)
    brier = edge_means(error[None], edges, confidence=confidence)[0].interval
    borders = _bin_borders(positive, negative, bins)
    per_positive = _bin_sums(positive, negative, borders)  # [3, bins, positives]
    whole, clusters = per_positive.sum(2), busier_ends(edges, generator)
    sums = resampled_sums(per_positive.flatten(0, 1), samples=samples, generator=generator, clusters=clusters)
    drawn = sums.view(samples, 3, -1).transpose(0, 1)  # [3, samples, bins]
    curve = _curve(whole, _observed_bounds(whole, drawn, confidence), borders, positive, negative)
    return CalibrationMetrics(brier, _ece_interval(whole, drawn, confidence, _effective(clusters)), curve)


def _effective(clusters: Tensor) -> float:
    """Return how many clusters of equal size say as much as these: (sum of sizes)^2 / sum of their squares."""
    size = clusters.unique(return_counts=True)[1].double()
    return float(size.sum().square() / size.square().sum())


def _bin_borders(positive: Tensor, negative: Tensor, bins: int) -> Tensor:
    """Return the probabilities at which a new bin begins, distinct, at most bins - 1."""
    values, order = torch.cat([positive, negative.flatten()]).sort()
    weight = _weights(positive, negative)[order].cumsum(0)
    # A little less than each share: a sum of many weights misses it by a rounding error, and a bin would gain a pair.
    full = torch.arange(1, bins, dtype=torch.float64) / bins * weight[-1] * (1 - 1e-9)
    borders: Tensor = values[(torch.searchsorted(weight, full) + 1).clamp(max=len(values) - 1)].unique()
    return borders[borders > values[0]]


def _weights(positive: Tensor, negative: Tensor) -> Tensor:
    """Return what each pair weighs: the positives half in all, their negatives the other half."""
    others = negative.new_full((negative.numel(),), 0.5 / max(negative.shape[1], 1))
    return torch.cat([positive.new_full((positive.numel(),), 0.5), others])


def _bin_sums(positive: Tensor, negative: Tensor, borders: Tensor) -> Tensor:
    """Return, for each positive with its negatives, the weight, stated and observed sums of each bin."""
    count, bins = len(positive), len(borders) + 1
    owner = torch.cat([torch.arange(count), torch.arange(count).repeat_interleave(negative.shape[1])])
    stated = torch.cat([positive, negative.flatten()])
    weight = _weights(positive, negative)
    is_edge = torch.cat([torch.ones_like(positive), torch.zeros_like(negative.flatten())])
    # A pair at a border belongs to the bin that begins there, wherever it is met.
    place = torch.searchsorted(borders, stated, right=True) * count + owner
    sums = [
        torch.zeros(bins * count, dtype=torch.float64).index_add_(0, place, value)
        for value in (weight, weight * stated, weight * is_edge)
    ]
    return torch.stack(sums).view(3, bins, count)


def _gaps(sums: Tensor) -> Tensor:
    """Return weight * (stated - observed) of every bin, the weights adding up to 1; sums [3, ..., bins]."""
    gaps: Tensor = (sums[1] - sums[2]) / sums[0].sum(-1, keepdim=True)
    return gaps


def _ece_interval(whole: Tensor, drawn: Tensor, confidence: float, clusters: float) -> MetricInterval:
    """Return the ECE; its lower bound is above 0 only where the error is more than chance makes of kept promises.

    An ECE adds up the sizes of gaps, so noise raises it, and resampling adds that noise a second time: percentiles of
    resampled ECEs leave the true one out, most of all where it is 0. The lower bound is therefore the ECE less what
    the gaps themselves move by, sum |gap of a resample - gap|: an ECE is off by no more than that. The upper bound is
    the percentile, which that noise only makes cautious. Measured in docs/evaluation.md. Resamples of few clusters are
    alike, so what moves is widened by Student's t of as many `clusters`; below two nothing is known.
    """
    gaps, resampled = _gaps(whole), _gaps(drawn)
    tail = (1 - confidence) / 2
    value = float(gaps.abs().sum())
    if clusters < 2:
        return MetricInterval(value, 0.0, 1.0)
    widened = float(stdtrit(clusters - 1, 1 - tail) / ndtri(1 - tail)) * (clusters / (clusters - 1)) ** 0.5
    moved = widened * float((resampled - gaps).abs().sum(-1).quantile(1 - tail))
    high = float(resampled.abs().sum(-1).quantile(1 - tail))
    return MetricInterval(value, max(value - moved, 0.0), max(value, high))


def _observed_bounds(whole: Tensor, drawn: Tensor, confidence: float) -> Tensor:
    """Return percentile bounds of each bin's share of edges, [2, bins]; a resample that missed one has the whole's."""
    share = torch.where(drawn[0] > 0, drawn[2] / drawn[0].clamp(min=1e-300), whole[2] / whole[0])
    tail = (1 - confidence) / 2
    return share.quantile(torch.tensor([tail, 1 - tail], dtype=share.dtype), dim=0)


def _curve(
    whole: Tensor, bounds: Tensor, inner: Tensor, positive: Tensor, negative: Tensor
) -> tuple[CalibrationBin, ...]:
    everything = torch.cat([positive, negative.flatten()])
    borders = [float(everything.min()), *inner.tolist(), float(everything.max())]
    total = float(whole[0].sum())
    return tuple(
        CalibrationBin(low, high, stated / weight, observed / weight, least, most, weight / total)
        for low, high, weight, stated, observed, least, most in zip(
            borders, borders[1:], *whole.tolist(), *bounds.tolist(), strict=False
        )
    )
