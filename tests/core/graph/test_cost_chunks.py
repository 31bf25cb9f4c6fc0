from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ncnc_core.graph.cost_chunks import cost_chunks


# costs, limit, the expected slices
@pytest.mark.parametrize(
    ("costs", "limit", "expected"),
    [
        ([1, 1, 1], 2, [(0, 2), (2, 3)]),
        ([1, 9, 1], 2, [(0, 1), (1, 2), (2, 3)]),  # a hub on its own
        ([2, 2], 4, [(0, 2)]),  # exactly the limit
        ([], 4, []),
    ],
)
def test_slices_stay_within_the_limit(costs: list[int], limit: int, expected: list[tuple[int, int]]) -> None:
    parts = list(cost_chunks(torch.tensor(costs, dtype=torch.int64), limit))
    assert [(part.start, part.stop) for part in parts] == expected


@given(st.lists(st.integers(0, 20), max_size=40), st.integers(1, 30))
def test_slices_cover_every_pair_once_in_order(costs: list[int], limit: int) -> None:
    parts = list(cost_chunks(torch.tensor(costs, dtype=torch.int64), limit))
    assert [index for part in parts for index in range(len(costs))[part]] == list(range(len(costs)))
    assert all(sum(costs[part]) <= limit or part.stop - part.start == 1 for part in parts)
