from __future__ import annotations

from ncnc_core.kernels.long_paths_reference import long_paths_reference

# 0 - 1 - 2 - 3 in a row, and 4 is alone.
ROWS = [{1}, {0, 2}, {1, 3}, {2}, set()]
WEIGHT = {(0, 1): 2.0, (1, 0): 2.0, (1, 2): 3.0, (2, 1): 3.0, (2, 3): 5.0, (3, 2): 5.0}
SCALE = [1.0, 0.5, 0.25, 1.0, 1.0]


def test_a_path_weighs_the_product_of_its_edges_and_of_both_inner_scales() -> None:
    assert long_paths_reference(ROWS, [WEIGHT] * 3, [SCALE] * 2, (0, 3)) == 2 * 3 * 5 * 0.5 * 0.25
    assert long_paths_reference(ROWS, [WEIGHT] * 3, [SCALE] * 2, (0, 2)) == 0


def test_walks_through_the_ends_count() -> None:
    # 0 - 1 - 0 - 1 and 0 - 1 - 2 - 1
    assert long_paths_reference(ROWS, [WEIGHT] * 3, [SCALE] * 2, (0, 1)) == 2 * 2 * 2 * 0.5 + 2 * 3 * 3 * 0.5 * 0.25
    assert long_paths_reference(ROWS, [WEIGHT] * 3, [SCALE] * 2, (0, 4)) == 0


def test_each_step_has_its_weight_seen_from_the_row_that_is_named_first() -> None:
    """Only 0 to 1, 2 to 1 and 2 to 3 go: the second step is seen from 1, and the last one from 3."""
    first, middle, last = {(0, 1): 2.0}, {(1, 2): 3.0}, {(3, 2): 5.0}
    scales = [[0.0, 0.5, 0.0, 0.0, 0.0], [0.0, 0.0, 0.25, 0.0, 0.0]]
    rows = [{1}, {2}, set(), {2}, set()]
    assert long_paths_reference(rows, [first, middle, last], scales, (0, 3)) == 2 * 0.5 * 3 * 0.25 * 5
