from __future__ import annotations

import torch

from benchmarks import evaluation_cost
from benchmarks.evaluation_cost import EvaluationCase, measure
from ncnc_core.graph.adjacency import Adjacency
from pipeline.params.params import EvaluateParams


def test_every_part_of_an_evaluation_is_timed_on_the_pairs_it_works_on() -> None:
    drawn = torch.randint(80, (2, 500), generator=torch.Generator().manual_seed(0))
    edges = Adjacency.from_edges(drawn, 80).edges()
    case = EvaluationCase(edges[:, 12:], edges[:, :12], 80)
    found = {cost.part: cost for cost in measure(case, EvaluateParams(bootstrap_samples=100, sensitivity_edges=5))}
    count = 12 * (1 + evaluation_cost.PER_EDGE)
    assert found["scoring challenger"].pairs == found["scoring champion"].pairs == count
    assert found["slices"].pairs == found["paired difference"].pairs == 12
    assert found["sensitivity"].pairs == 2 * 2 * 3 * 5 * (1 + evaluation_cost.PER_EDGE)
    assert all(cost.seconds >= 0 for cost in found.values())
