"""A paired comparison as tests need it: one interval, the same whichever way it is resampled."""

from __future__ import annotations

from pipeline.records.evaluation import Interval, PairedComparison


def paired(value: float, low: float, high: float, *, p_value: float = 0.01) -> PairedComparison:
    """Return a comparison of 400 edges over 300 nodes whose every resampling gives this interval."""
    interval = Interval(value=value, low=low, high=high)
    return PairedComparison(
        metric="mrr",
        difference=interval,
        p_value=p_value,
        resampled_by="node",
        by_edge=interval,
        by_node=interval,
        num_edges=400,
        num_nodes=300,
    )
