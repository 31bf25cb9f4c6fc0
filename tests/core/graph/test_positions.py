from __future__ import annotations

import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency, pair_keys
from ncnc_core.graph.positions import MOST_NODES, require_positions, require_room_for_keys


@pytest.mark.parametrize("position", [-1, 4])
def test_position_that_is_no_node_is_named_with_those_there_are_and_the_remedy(position: int) -> None:
    message = rf"edges name position {position}, but the graph has positions 0 to 3\. Renumber them\."
    with pytest.raises(InvalidGraph, match=message):
        require_positions(torch.tensor([[0, position], [3, 1]]), 4, "edges", remedy="Renumber them.")


def test_every_node_and_no_position_at_all_are_taken() -> None:
    require_positions(torch.tensor([[0, 3], [3, 0]]), 4)
    require_positions(torch.zeros(2, 0, dtype=torch.int64), 0)


def test_more_nodes_than_a_key_has_room_for_are_refused() -> None:
    require_room_for_keys(MOST_NODES)
    assert MOST_NODES**2 <= 2**63 - 1 < (MOST_NODES + 1) ** 2
    few = torch.tensor([[0], [1]])
    for call in (
        lambda: require_room_for_keys(MOST_NODES + 1),
        lambda: pair_keys(few, 2**32),
        lambda: Adjacency.from_edges(few, 2**32),
    ):
        with pytest.raises(InvalidGraph, match=r"room for 3037000499 nodes, but there are \d+\. Divide the graph"):
            call()
