from __future__ import annotations

import pytest
import torch

from pipeline.paired_difference import paired_comparison


def test_the_report_holds_both_resamplings_and_decides_by_the_wider() -> None:
    hubs = torch.arange(8).repeat_interleave(25)
    positives = torch.stack([hubs, torch.arange(200) + 8])
    challenger = torch.tensor([0.9, 0.1], dtype=torch.float64).repeat(4)[hubs]
    found = paired_comparison(challenger, torch.full_like(challenger, 0.4), positives, confidence=0.95)
    assert found.resampled_by == "node"
    assert found.difference == found.by_node
    assert found.by_edge.low > 0 > found.by_node.low  # by edge this were a proof
    assert found.difference.value == pytest.approx(0.1)
    assert (found.metric, found.num_edges, found.num_nodes) == ("mrr", 200, 208)
    assert found.p_value > 0.025
