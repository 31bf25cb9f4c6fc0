from __future__ import annotations

import pytest
import torch

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.surroundings import nodes_within


@pytest.mark.parametrize("seed", range(10))
def test_the_nodes_within_some_steps_are_those_of_as_many_products_with_the_matrix(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    graph = Adjacency.from_edges(torch.randint(30, (2, 35), generator=generator), 32)
    step = torch.eye(32)
    step[graph.row, graph.column] = 1
    some = torch.randint(32, (seed % 3,), generator=generator)
    for steps in range(4):
        reached = step.matrix_power(steps)[some].sum(0) > 0
        assert torch.equal(nodes_within(graph, some, steps), reached)
