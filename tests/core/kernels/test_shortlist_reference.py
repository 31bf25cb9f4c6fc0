from __future__ import annotations

import pytest

from ncnc_core.kernels.shortlist_reference import shortlist_reference, step_reference

# 0 - 1 - 2 - 3 - 4 in a row, 5 hangs on 1 too, 6 is alone.
ROWS = [[1], [0, 2, 5], [1, 3], [2, 4], [3], [1], []]


def test_a_random_step_divides_what_a_node_holds_among_its_neighbours() -> None:
    assert step_reference(ROWS, 0, {1: 1.0}, 0.0) == pytest.approx({2: 1 / 3, 5: 1 / 3})
    assert step_reference(ROWS, 0, {2: 1 / 3, 5: 1 / 3}, 0.0) == pytest.approx({1: 1 / 6 + 1 / 3, 3: 1 / 6})
    assert step_reference(ROWS, 0, {2: 1 / 3}, 0.2) == {}


def test_a_shortlist_takes_by_two_steps_by_three_and_by_degree_in_this_order() -> None:
    def found(near: int, room: int) -> list[int]:
        return shortlist_reference(ROWS, 0, near=near, room=room, exclude_known=True, least=0.0)

    assert found(0, 1) == [2]  # the busiest that is not known
    assert found(1, 2) == [2, 3]  # two steps reach 2 and 5 alike, and 2 is busier; three steps reach 3
    assert found(2, 4) == [2, 3, 4, 5]  # three steps reach no second one, and 4 fills up
    assert found(2, 5) == [2, 3, 4, 5, 6]


def test_known_links_come_beside_the_others_where_they_are_asked_for() -> None:
    assert shortlist_reference(ROWS, 1, near=1, room=5, exclude_known=False, least=0.0) == [0, 2, 3, 4, 5]
    assert shortlist_reference(ROWS, 1, near=1, room=2, exclude_known=True, least=0.0) == [3, 4]
