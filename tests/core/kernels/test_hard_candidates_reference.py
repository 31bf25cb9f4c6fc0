from __future__ import annotations

import pytest

from ncnc_core.kernels.hard_candidates_reference import (
    allocation_reference,
    hard_candidates_reference,
    page_rank_reference,
)

# 0 and 1 share 2 and 3; 4 hangs on 3; 5 is alone
NEIGHBORS = [[2, 3], [2, 3], [0, 1], [0, 1, 4], [3], []]


def test_allocation_worked_by_hand() -> None:
    assert allocation_reference(NEIGHBORS, 0) == pytest.approx({1: 1 / 2 + 1 / 3, 4: 1 / 3})
    assert allocation_reference(NEIGHBORS, 5) == {}


def test_first_pushes_worked_by_hand() -> None:
    # One push at 0 leaves 0.4 with each of 2 and 3; 0.4 per degree is 0.2 and 0.133, which are not above 0.2.
    assert page_rank_reference(NEIGHBORS, 0, teleport=0.2, epsilon=0.2) == pytest.approx({0: 0.2})
    assert page_rank_reference(NEIGHBORS, 0, teleport=0.2, epsilon=0.15) == pytest.approx({0: 0.2, 2: 0.08})
    assert page_rank_reference(NEIGHBORS, 5, teleport=0.2, epsilon=0.1) == {5: 1.0}


def test_page_rank_sums_to_nearly_one() -> None:
    ranks = page_rank_reference(NEIGHBORS, 1, teleport=0.15, epsilon=1e-9)
    assert sum(ranks.values()) == pytest.approx(1, abs=1e-7)


def test_better_rank_goes_first_and_what_is_forbidden_never() -> None:
    def partners(forbidden: set[tuple[int, int]]) -> list[int]:
        return hard_candidates_reference(NEIGHBORS, 0, forbidden, 9, teleport=0.15, epsilon=1e-6, seed=0)

    edges = {(0, 2), (0, 3)}
    assert partners(edges) == [1, 4]
    assert partners(edges | {(0, 1)}) == [4]
    assert set(partners(set())) == {1, 2, 3, 4}
    assert partners(set())[0] == 1  # first by allocation; the first by PageRank comes second
