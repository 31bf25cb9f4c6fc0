from __future__ import annotations

import pytest
import torch

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.roles import MessageGraph, OverlapGraph, Rows
from ncnc_core.graph.sampled_adjacency import SampledAdjacency
from ncnc_core.overlap.sampled import SampledOverlap

WHOLE = Adjacency.from_edges(torch.tensor([[0, 1], [1, 2]]), 3)
SAMPLED = SampledAdjacency(
    torch.tensor([0, 1]), torch.tensor([1]), 2, row_scale=torch.ones(1), full_degree=torch.tensor([1, 2])
)
DRAWN = SampledOverlap(torch.tensor([1, 2]))


@pytest.mark.parametrize(
    ("graph", "roles"),
    [
        (WHOLE, {MessageGraph, OverlapGraph, Rows}),
        (SAMPLED, {MessageGraph}),  # its rows are thinned: what two nodes share cannot be looked up in them
        (DRAWN, {OverlapGraph}),  # there is nothing to propagate on
    ],
)
def test_each_kind_of_graph_plays_its_roles_and_no_other(graph: object, roles: set[type]) -> None:
    assert {role for role in (MessageGraph, OverlapGraph, Rows) if isinstance(graph, role)} == roles


def test_layer_reads_values_of_the_nodes_with_a_row_and_all_have_one_in_a_whole_graph() -> None:
    assert WHOLE.num_rows == 3
    assert SAMPLED.num_rows == 1
    assert WHOLE.num_entries == 4
    assert DRAWN.num_entries == 0


def test_largest_neighbour_is_found_on_whole_and_on_sampled_rows() -> None:
    assert WHOLE.neighbor_max(torch.tensor([5.0, 1.0, 7.0])).tolist() == [1, 7, 1]
    assert SAMPLED.neighbor_max(torch.tensor([5.0, 3.0])).tolist() == [3, 0]
