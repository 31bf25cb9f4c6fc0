from __future__ import annotations

import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.positions import require_positions


@pytest.mark.parametrize("position", [-1, 4])
def test_position_that_is_no_node_is_named_with_those_there_are_and_the_remedy(position: int) -> None:
    message = rf"edges name position {position}, but the graph has positions 0 to 3\. Renumber them\."
    with pytest.raises(InvalidGraph, match=message):
        require_positions(torch.tensor([[0, position], [3, 1]]), 4, "edges", remedy="Renumber them.")


def test_every_node_and_no_position_at_all_are_taken() -> None:
    require_positions(torch.tensor([[0, 3], [3, 0]]), 4)
    require_positions(torch.zeros(2, 0, dtype=torch.int64), 0)
