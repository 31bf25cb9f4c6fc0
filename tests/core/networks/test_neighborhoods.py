from __future__ import annotations

import torch

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.neighborhoods import OneSided, two_step

# 0 and 1 are joined and share 2; 3 is 0's alone, 4 is 1's alone.
GRAPH = Adjacency.from_edges(torch.tensor([[0, 0, 1, 0, 1], [1, 2, 2, 3, 4]]), 5)
PAIR = torch.tensor([[0], [1]])
COMMON = GRAPH.common_neighbors(PAIR)


def test_one_sided_neighbours_come_by_side_and_without_the_other_end() -> None:
    found = OneSided(skip_other=True)(GRAPH, PAIR, COMMON)
    assert [(role, lists.node.tolist()) for role, lists in found] == [("source_only", [3]), ("target_only", [4])]
    as_published = OneSided(skip_other=False)(GRAPH, PAIR, COMMON)
    assert [lists.node.tolist() for _, lists in as_published] == [[1, 3], [0, 4]]


def test_neighbours_two_steps_from_the_other_end_come_by_side() -> None:
    path = Adjacency.from_edges(torch.tensor([[0, 1, 2], [1, 2, 3]]), 4)
    ends = torch.tensor([[0], [3]])
    found = two_step(path, ends, path.common_neighbors(ends))
    assert [(role, lists.node.tolist()) for role, lists in found] == [("near_source", [1]), ("near_target", [2])]
