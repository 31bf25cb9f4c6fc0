from __future__ import annotations

from ncnc_core.kernels.overlap_reference import (
    common_neighbors_reference,
    exclusive_neighbors_reference,
    neighbor_sets,
    two_hop_sets,
)

SQUARE_WITH_TAIL = [(0, 1), (1, 2), (2, 3), (3, 0), (3, 4), (4, 3), (4, 4)]


def test_neighbor_sets_are_symmetric_without_repeats_and_loops() -> None:
    assert neighbor_sets(SQUARE_WITH_TAIL, 6) == [{1, 3}, {0, 2}, {1, 3}, {0, 2, 4}, {3}, set()]


def test_twins_agree_with_a_graph_worked_by_hand() -> None:
    neighbors = neighbor_sets(SQUARE_WITH_TAIL, 6)
    assert common_neighbors_reference(neighbors, [(0, 2), (0, 4), (0, 5)]) == [[1, 3], [3], []]
    assert exclusive_neighbors_reference(neighbors, [(3, 0), (0, 4)], skip_other=False) == [[0, 2, 4], [1]]
    assert exclusive_neighbors_reference(neighbors, [(3, 0), (0, 4)], skip_other=True) == [[2, 4], [1]]


def test_two_steps_lead_back_to_the_start_and_nowhere_from_an_isolated_node() -> None:
    assert two_hop_sets(neighbor_sets(SQUARE_WITH_TAIL, 6)) == [{0, 2, 4}, {1, 3}, {0, 2, 4}, {1, 3}, {0, 2, 4}, set()]
