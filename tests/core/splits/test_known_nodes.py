import torch

from ncnc_core.graph.edge_history import NEVER, EdgeHistory
from ncnc_core.splits.known_nodes import first_edges, nodes_known_by

# 0-1 on day 1, 1-2 on day 3 and gone on day 4, 2-3 on day 6, node 4 alone.
HISTORY = EdgeHistory.of(
    torch.tensor([[1, 0, 3], [2, 1, 2]]),
    torch.tensor([3, 1, 6]),
    torch.tensor([3, 1, 6]),
    torch.tensor([4, NEVER, NEVER]),
    5,
)


def test_a_node_came_with_its_first_edge_living_or_not() -> None:
    assert first_edges(HISTORY, 6).tolist() == [1, 1, 3, 6, NEVER]
    assert first_edges(HISTORY, 5).tolist() == [1, 1, 3, NEVER, NEVER]


def test_nodes_are_known_from_the_very_time_of_their_first_edge() -> None:
    assert nodes_known_by(HISTORY, 6).tolist() == [True, True, True, True, False]
    assert nodes_known_by(HISTORY, 5).tolist() == [True, True, True, False, False]
    assert not nodes_known_by(HISTORY, 0).any()


def test_a_graph_without_nodes_knows_none() -> None:
    nothing = torch.zeros(0, dtype=torch.int64)
    assert first_edges(EdgeHistory.of(nothing.expand(2, 0), nothing, nothing, nothing, 0), 1).shape == (0,)
