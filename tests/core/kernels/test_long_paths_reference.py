from __future__ import annotations

from ncnc_core.kernels.long_paths_reference import long_paths_reference

# 0 - 1 - 2 - 3 in a row, and 4 is alone.
ROWS = [{1}, {0, 2}, {1, 3}, {2}, set()]
WEIGHT = {(0, 1): 2.0, (1, 0): 2.0, (1, 2): 3.0, (2, 1): 3.0, (2, 3): 5.0, (3, 2): 5.0}
SCALE = [1.0, 0.5, 0.25, 1.0, 1.0]


def test_a_path_weighs_the_product_of_its_edges_and_of_both_inner_scales() -> None:
    assert long_paths_reference(ROWS, WEIGHT, SCALE, (0, 3)) == 2 * 3 * 5 * 0.5 * 0.25
    assert long_paths_reference(ROWS, WEIGHT, SCALE, (0, 2)) == 0


def test_walks_through_the_ends_count() -> None:
    # 0 - 1 - 0 - 1 and 0 - 1 - 2 - 1
    assert long_paths_reference(ROWS, WEIGHT, SCALE, (0, 1)) == 2 * 2 * 2 * 0.5 + 2 * 3 * 3 * 0.5 * 0.25
    assert long_paths_reference(ROWS, WEIGHT, SCALE, (0, 4)) == 0
