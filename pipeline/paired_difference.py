"""Challenger minus champion as the report holds it."""

from __future__ import annotations

from torch import Tensor

from ncnc_core.paired_comparison import paired_difference
from pipeline.evaluation_parts import Interval, PairedComparison


def paired_comparison(
    challenger: Tensor, champion: Tensor, positives: Tensor, *, confidence: float
) -> PairedComparison:
    """Compare the reciprocal ranks [p] of two models on the same test edges [2, p], or on a slice of them."""
    found = paired_difference(challenger, champion, positives, confidence=confidence)
    return PairedComparison(
        metric="mrr",
        difference=Interval.of(found.interval),
        p_value=found.p_value,
        resampled_by=found.resampled_by,
        by_edge=Interval.of(found.by_edge),
        by_node=Interval.of(found.by_node),
        num_edges=found.num_edges,
        num_nodes=found.num_nodes,
    )
