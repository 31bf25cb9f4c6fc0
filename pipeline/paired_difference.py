"""Challenger minus champion as the report holds it."""

from __future__ import annotations

from torch import Tensor

from ncnc_core.bootstrap import MetricInterval
from ncnc_core.paired_comparison import paired_difference
from pipeline.evaluation_parts import Interval, PairedComparison


def paired_comparison(
    challenger: Tensor, champion: Tensor, positives: Tensor, *, confidence: float
) -> PairedComparison:
    """Compare the reciprocal ranks [p] of two models on the same test edges [2, p], or on a slice of them."""
    found = paired_difference(challenger, champion, positives, confidence=confidence)
    return PairedComparison(
        metric="mrr",
        difference=_interval(found.interval),
        p_value=found.p_value,
        resampled_by=found.resampled_by,
        by_edge=_interval(found.by_edge),
        by_node=_interval(found.by_node),
        num_edges=found.num_edges,
        num_nodes=found.num_nodes,
    )


def _interval(value: MetricInterval) -> Interval:
    return Interval(value=value.value, low=value.low, high=value.high)
