"""Ranking metrics of a link predictor, with intervals.

One rule of ties: equal scores have the mean of the ranks that they take together, as in the Open Graph Benchmark's MRR
and Hits@K over each edge's own negatives.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation.edge_mean import MetricInterval, edge_means

__all__ = [  # a metric and its interval are asked for together, so the intervals are at hand here too
    "HITS_AT",
    "SHARED_HITS_AT",
    "MetricInterval",
    "average_precision",
    "hits_at_k_shared",
    "intervals_of",
    "metric_values",
    "rank_intervals",
    "rank_metrics",
    "ranks",
    "reciprocal_ranks",
    "roc_auc",
]
HITS_AT = (1, 3, 10, 20, 50, 100)
SHARED_HITS_AT = (20, 50, 100)  # as benchmarks count: above the K-th of all negatives, whatever edge they belong to


def hits_at_k_shared(positive: Float[Tensor, " positives"], negative: Float[Tensor, " negatives"], k: int) -> float:
    """Return the share of positives that rank k or better in a shared set of negatives, ties averaged.

    The Open Graph Benchmark asks for a score above that of the k-th negative. Without ties that is the same; it counts
    a tie as lost. O((positives + negatives) log negatives).

    Raises:
        InvalidGraph: there are fewer than k negatives, no positives, or a score is NaN.
    """
    _require_scores(positive, negative)
    if not 1 <= k <= negative.numel():
        raise InvalidGraph(
            f"Hits@{k} needs at least {max(k, 1)} negatives, but there are {negative.numel()}. "
            f"Sample more negatives, or choose k between 1 and {negative.numel()}."
        )
    return float((_shared_ranks(positive, negative.flatten().sort().values) <= k).double().mean())


def reciprocal_ranks(
    positive: Float[Tensor, " positives"], negative: Float[Tensor, "positives negatives"]
) -> Float[Tensor, " positives"]:
    """Return 1 / rank of each positive among its own negatives, ties averaged; their mean is the MRR.

    rank = 1 + 0.5 * (#greater + #greater-or-equal), as in the Open Graph Benchmark: a constant scorer is ranked in
    the middle, not at the top. Float64.
    """
    return 1.0 / ranks(positive, negative)


def ranks(
    positive: Float[Tensor, " positives"], negative: Float[Tensor, "positives negatives"]
) -> Float[Tensor, " positives"]:
    """Return the rank of each positive among its own negatives, from 1, ties averaged; float64."""
    _require_scores(positive, negative)
    greater = (negative > positive[:, None]).sum(1)
    greater_or_equal = (negative >= positive[:, None]).sum(1)
    return 1.0 + 0.5 * (greater + greater_or_equal).double()


def _shared_ranks(positive: Tensor, ascending: Tensor) -> Tensor:
    """Return the rank of each positive among all of the sorted negatives, ties averaged."""
    positive = positive.contiguous()
    not_above = torch.searchsorted(ascending, positive) + torch.searchsorted(ascending, positive, right=True)
    return 1.0 + 0.5 * (2 * ascending.numel() - not_above).double()  # halves are exact: a rank of k is k


def roc_auc(positive: Float[Tensor, " positives"], negative: Float[Tensor, " negatives"]) -> float:
    """Return the chance that a positive outscores a negative, a tie counting half (Mann-Whitney); O(n log n)."""
    _require_scores(positive, negative)
    return float(_share_below(negative.sort().values, positive).mean())


def average_precision(positive: Float[Tensor, " positives"], negative: Float[Tensor, " negatives"]) -> float:
    """Return the mean, over the positives, of the precision at each one's score; O(n log n).

    Equal scores share one threshold, which is the step sum that scikit-learn computes.
    """
    _require_scores(positive, negative)
    true, false = _count_from(positive, positive), _count_from(negative, positive)
    return float((true / (true + false)).mean())


def metric_values(
    positive: Float[Tensor, " positives"], negative: Float[Tensor, "positives negatives"]
) -> dict[str, Float[Tensor, " positives"]]:
    """Return, for every metric, one value per positive (with its own negatives) whose mean is the metric.

    Keys: mrr, hits@K for each K of HITS_AT with at least K negatives to a positive, shared_hits@K for each K of
    SHARED_HITS_AT with at least K negatives in all, auc, average_precision.
    For mrr and hits the values are plain; those of shared hits hold the set of all negatives fixed. AUC and
    average precision compare all positives with all negatives, so theirs are pseudo-values of the infinitesimal
    jackknife, metric + n * d metric / d weight of this positive and its negatives: resampling them resamples positives
    together with their negatives, without computing the metric anew.
    Source: Jaeckel, The infinitesimal jackknife, 1972. Cost: one sort of all scores.
    """
    own, shared = ranks(positive, negative), _shared_ranks(positive, negative.flatten().sort().values)
    values = {"mrr": 1.0 / own}
    values |= {f"hits@{k}": (own <= k).double() for k in HITS_AT if k <= negative.shape[1]}
    values |= {f"shared_hits@{k}": (shared <= k).double() for k in SHARED_HITS_AT if k <= negative.numel()}
    return values | {
        "auc": _auc_values(positive, negative),
        "average_precision": _average_precision_values(positive, negative),
    }


def rank_metrics(
    positive: Float[Tensor, " positives"], negative: Float[Tensor, "positives negatives"]
) -> dict[str, float]:
    """Return every metric of positives against their own negatives; the keys are those of `metric_values`."""
    return {name: float(value.mean()) for name, value in metric_values(positive, negative).items()}


def rank_intervals(
    positive: Float[Tensor, " positives"],
    negative: Float[Tensor, "positives negatives"],
    edges: Int64[Tensor, "2 positives"],
    *,
    confidence: float,
) -> dict[str, MetricInterval]:
    """Return every metric of distinct edges with its interval, which allows for edges that share a node."""
    return intervals_of(metric_values(positive, negative), edges, confidence)


def intervals_of(
    values: dict[str, Float[Tensor, " edges"]], edges: Int64[Tensor, "2 edges"], confidence: float
) -> dict[str, MetricInterval]:
    """Return the mean of each metric's values with its interval, see `edge_means`."""
    found = edge_means(torch.stack(list(values.values())), edges, confidence=confidence)
    return {name: one.interval for name, one in zip(values, found, strict=True)}


def _require_scores(positive: Tensor, negative: Tensor) -> None:
    if positive.numel() == 0 or negative.numel() == 0:
        raise InvalidGraph(
            f"A ranking needs positives and negatives, but there are {positive.numel()} positive and "
            f"{negative.numel()} negative scores. Widen the test window, or sample negatives."
        )
    # A comparison with NaN is false, so a diverged model would rank first everywhere.
    broken = int(positive.isnan().sum()) + int(negative.isnan().sum())
    if broken:
        raise InvalidGraph(
            f"{broken} of {positive.numel() + negative.numel()} scores are NaN. "
            f"The training diverged: lower the learning rates or set training.gradient_clip_norm."
        )


def _share_below(ascending: Tensor, scores: Tensor) -> Tensor:
    """Return the share of the sorted values below each score, a tie counting half."""
    scores = scores.contiguous()
    below = torch.searchsorted(ascending, scores)
    not_above = torch.searchsorted(ascending, scores, right=True)
    return (below + not_above).double() / (2 * ascending.numel())


def _count_from(scores: Tensor, thresholds: Tensor) -> Tensor:
    """Return how many scores reach each threshold."""
    ascending = scores.flatten().sort().values
    return (ascending.numel() - torch.searchsorted(ascending, thresholds.contiguous())).double()


def _auc_values(positive: Tensor, negative: Tensor) -> Tensor:
    """AUC is a two-sample mean, so its projection is: this positive's part + its negatives' mean part - AUC."""
    placed = _share_below(negative.flatten().sort().values, positive)
    beaten_by = 1.0 - _share_below(positive.sort().values, negative)  # [positives, negatives]
    return placed + beaten_by.mean(1) - placed.mean()


def _average_precision_values(positive: Tensor, negative: Tensor) -> Tensor:
    """Differentiate AP = sum_i w_i T_i / (T_i + F_i) / sum_i w_i by each weight, at weights one.

    T_i, F_i: weighted positives and negatives scored at least as high as positive i. One more positive at score s adds
    F_i / (T_i + F_i)^2 to the precision of every i with s_i <= s; one more negative takes T_i / (T_i + F_i)^2 away.
    """
    ascending = positive.sort().values
    true, false = _count_from(positive, ascending), _count_from(negative, ascending)
    precision = true / (true + false)
    gain = _prefix_sums(false / (true + false).square())
    loss = _prefix_sums(true / (true + false).square())
    own = torch.searchsorted(ascending, positive.contiguous())  # ties share one precision, so the first will do
    up = gain[torch.searchsorted(ascending, positive.contiguous(), right=True)]
    down = loss[torch.searchsorted(ascending, negative.contiguous(), right=True)].sum(1)
    return precision[own] + up - down


def _prefix_sums(values: Tensor) -> Tensor:
    return torch.cat([values.new_zeros(1), values.cumsum(0)])
