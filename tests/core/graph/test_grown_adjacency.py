from __future__ import annotations

import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.grown_adjacency import grown_adjacency


@pytest.mark.parametrize("seed", range(20))
def test_a_grown_graph_is_the_one_built_anew(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    before, after = 12, 12 + seed % 4
    old = torch.randint(before, (2, seed * 2), generator=generator)
    new = torch.randint(after, (2, 3 * (seed % 5)), generator=generator)  # repeats, loops and known edges among them
    found = grown_adjacency(Adjacency.from_edges(old, before), after, new)
    expected = Adjacency.from_edges(torch.cat([old, new], 1), after)
    assert torch.equal(found.row_pointer, expected.row_pointer)
    assert torch.equal(found.column, expected.column)
    assert torch.equal(found.keys, expected.keys)
    assert found.num_nodes == after


def test_an_end_that_is_no_node_is_refused() -> None:
    graph = Adjacency.from_edges(torch.tensor([[0], [1]]), 2)
    with pytest.raises(InvalidGraph, match=r"edges name position 3, but the graph has positions 0 to 2"):
        grown_adjacency(graph, 3, torch.tensor([[0], [3]]))
