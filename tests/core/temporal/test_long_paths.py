from __future__ import annotations

import numpy as np
import torch

from ncnc_core.kernels.long_paths_reference import long_paths_reference
from ncnc_core.kernels.overlap_reference import neighbor_sets
from ncnc_core.temporal.long_paths import LONG_PATHS, cheaper_first, long_paths
from ncnc_core.temporal.timed_graph import TimedGraph
from tests.fixtures.evolving_graphs import pairs_of, random_history

PAIRS = pairs_of(30, 80)


def test_paths_are_those_of_the_twin() -> None:
    graph = TimedGraph.of(random_history(2).graph_at(30), 12.0)
    pairs = torch.stack([PAIRS.amin(0), PAIRS.amax(0)])
    found = long_paths(graph, pairs)
    neighbors = neighbor_sets([(u, v) for u, v in graph.adjacency.edges().T.tolist()], 30)
    keys = list(zip(graph.adjacency.row.tolist(), graph.adjacency.column.tolist(), strict=True))
    times = graph.adjacency.times
    assert times is not None
    weights = [torch.ones(len(keys)), *graph.decay.T, times.events.double().log1p()]
    for place, weight in enumerate(weights):
        size = torch.zeros(30, dtype=torch.float64).index_add(0, graph.adjacency.row, weight.double())
        by_edge, scale = dict(zip(keys, weight.tolist(), strict=True)), size.double().clamp(min=1e-9).rsqrt().tolist()
        twin = [long_paths_reference(neighbors, [by_edge] * 3, [scale] * 2, (i, j)) for i, j in pairs.T.tolist()]
        np.testing.assert_allclose(found[:, place], twin, rtol=1e-6)
    assert found.shape[1] == len(LONG_PATHS)


def test_a_walk_begins_at_the_end_from_which_it_is_shorter() -> None:
    graph = TimedGraph.of(random_history(2).graph_at(30), 12.0)
    degree = graph.adjacency.degree
    reach = torch.zeros(30, dtype=torch.int64).index_add(0, graph.adjacency.row, degree[graph.adjacency.column])
    turned = cheaper_first(graph, PAIRS)
    assert (reach[turned[0]] <= reach[turned[1]]).all()
    assert torch.equal(turned.sort(0).values, PAIRS.sort(0).values)
