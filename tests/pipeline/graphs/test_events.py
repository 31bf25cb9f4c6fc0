from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.graphs.events import Events, LateEvents, later_of_each

ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=30)


def events(rows: list[tuple[int, int]]) -> Events:
    table = np.array(rows, dtype=np.int64).reshape(-1, 2)
    return Events(table[:, 0], table[:, 1])


def rows_of(found: Events) -> list[tuple[int, int]]:
    return list(zip(found.edge.tolist(), found.time.tolist(), strict=True))


@given(ours=ROWS, held=ROWS)
def test_as_many_equal_events_stay_as_are_not_held(ours: list[tuple[int, int]], held: list[tuple[int, int]]) -> None:
    found = rows_of(events(ours).without(events(held)))
    assert Counter(found) == Counter(ours) - Counter(held)
    places = iter(ours)
    assert all(row in places for row in found)  # in their order


DIRECTED_ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.booleans()), max_size=20)


def directed(rows: list[tuple[int, int, bool]]) -> Events:
    return replace(events([row[:2] for row in rows]), forward=np.array([row[2] for row in rows], dtype=np.bool_))


@given(ours=DIRECTED_ROWS, held=DIRECTED_ROWS)
def test_events_of_one_time_that_went_opposite_ways_are_two(
    ours: list[tuple[int, int, bool]], held: list[tuple[int, int, bool]]
) -> None:
    found = directed(ours).without(directed(held))
    assert found.forward is not None
    rows = zip(found.edge.tolist(), found.time.tolist(), found.forward.tolist(), strict=True)
    assert Counter(rows) == Counter(ours) - Counter(held)


def test_which_way_events_went_is_known_where_it_is_known_of_all() -> None:
    one, other = directed([(0, 1, True)]), directed([(0, 2, False)])
    both = Events.none().and_then(one).and_then(other)
    assert both.forward is not None
    assert both.forward.tolist() == [True, False]
    assert one.and_then(events([(0, 3)])).forward is None
    late = LateEvents(np.array([0]), np.array([9]), np.array([3]), np.array([False]))
    told = late.as_told(directed([(0, 9, True), (0, 9, False)]), np.array([True]))
    assert told.forward is not None
    assert sorted(zip(told.time.tolist(), told.forward.tolist(), strict=True)) == [(3, False), (9, True)]


def test_equal_events_beyond_those_held_stay() -> None:
    ours = events([(1, 7), (0, 5), (1, 7), (1, 7)])
    assert rows_of(ours.without(events([(1, 7), (1, 8), (2, 7)]))) == [(0, 5), (1, 7), (1, 7)]
    assert ours.without(Events.none()) is ours
    assert len(Events.none().without(ours)) == 0


def test_late_events_of_the_chosen_edges_have_the_times_that_were_told() -> None:
    late = LateEvents(np.array([0, 1, 1]), np.array([9, 9, 9]), np.array([3, 4, 5]))
    held = events([(0, 9), (1, 9), (1, 9), (1, 9)])
    assert sorted(rows_of(late.as_told(held, np.array([True, True])))) == [(0, 3), (1, 4), (1, 5), (1, 9)]
    only_first = events([(0, 9)])
    assert rows_of(late.as_told(only_first, np.array([True, False]))) == [(0, 3)]
    assert late.as_told(held, np.array([False, False])) is held


@given(rows=ROWS)
def test_the_earliest_event_of_each_edge_is_left_out(rows: list[tuple[int, int]]) -> None:
    firsts = [(edge, min(time for other, time in rows if other == edge)) for edge in {edge for edge, _ in rows}]
    assert rows_of(later_of_each(events(rows))) == sorted((Counter(rows) - Counter(firsts)).elements())


def test_events_are_put_behind_others_and_chosen_by_mask() -> None:
    both = events([(0, 1)]).and_then(events([(2, 3)]))
    assert rows_of(both) == [(0, 1), (2, 3)]
    assert rows_of(both.at(np.array([False, True]))) == [(2, 3)]
    late = LateEvents.none().and_then(LateEvents(np.array([1]), np.array([2]), np.array([0])))
    assert (len(late), late.edge.tolist(), late.time.tolist(), late.told.tolist()) == (1, [1], [2], [0])
