from __future__ import annotations

from ncnc_core.kernels.timed_overlap_reference import timed_overlap_reference

# 0 and 1 have the common neighbours 2 and 3; 4 hangs on 3 alone.
ROWS = [{2, 3}, {2, 3}, {0, 1}, {0, 1, 4}, {3}]
EDGES = {(0, 2): 1.0, (1, 2): 0.5, (0, 3): 0.25, (1, 3): 0.5, (3, 4): 1.0}
DECAY = {key: [value, 0.0] for (u, v), value in EDGES.items() for key in ((u, v), (v, u))}
STRENGTH = [[1.25, 0.0], [1.0, 0.0], [1.5, 0.0], [1.75, 0.0], [1.0, 0.0]]
WEIGHT = [[1.0]] * 5


def test_common_neighbours_with_their_products_and_sums() -> None:
    found = timed_overlap_reference(ROWS, DECAY, STRENGTH, WEIGHT, (0, 1))
    assert found.nodes == [2, 3]
    assert found.products == [[0.5, 0.0], [0.125, 0.0]]
    # the number of nodes; then at the first scale and at one at which all is long past: sum, shares, largest
    assert found.sums == [2.0, 0.625, 0.0, 0.5 / 1.5 + 0.125 / 1.75, 0.0, 0.5, 0.0]


def test_a_pair_without_a_common_neighbour_sums_to_nothing() -> None:
    found = timed_overlap_reference(ROWS, DECAY, STRENGTH, WEIGHT, (2, 4))
    assert (found.nodes, found.products, found.sums) == ([], [], [0.0] * 7)
