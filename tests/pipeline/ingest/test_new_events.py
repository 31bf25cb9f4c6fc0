from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.graphs.tables import CanonicalGraph, Change, content_id
from pipeline.ingest.canonical_graph import build
from pipeline.params.snapshot import SnapshotParams
from tests.fixtures.deliveries import delivered

DAY = 86400
LOG = SnapshotParams(kind="event_log", time_column="time")
DUMP = SnapshotParams(time_column="time", duplicates="merge")
Row = tuple[int, int, int]
Pair = tuple[int, int]


def table(*rows: Row) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["source", "target", "time"], dtype="int64")


def night(
    edges: pd.DataFrame,
    day: int,
    previous: CanonicalGraph | None = None,
    params: SnapshotParams = LOG,
    *,
    directed: bool = False,
) -> Change:
    previous_as_of = None if previous is None else (day - 1) * DAY
    delivery = delivered(edges, directed=directed)
    return build(delivery, params, as_of=day * DAY, previous=previous, previous_as_of=previous_as_of)


def repeats(graph: CanonicalGraph) -> list[tuple[Pair, int]]:
    """The later events by the ids of their pairs, in the order of the tables."""
    tables = graph.tables
    ends = np.sort(tables.node_ids[tables.edges], axis=0)[:, tables.repeats.edge]
    return list(zip(zip(*ends.tolist(), strict=True), tables.repeats.time.tolist(), strict=True))


def told(graph: CanonicalGraph) -> Counter[tuple[Pair, int]]:
    """Every event of every pair, by the time that the source gave; the ends go its way where the graph says that."""
    tables = graph.tables
    events = graph.told_events(np.ones(len(tables.first_seen), dtype=np.bool_))
    ends = tables.node_ids[tables.edges][:, events.edge]
    ends = np.sort(ends, axis=0) if events.forward is None else np.where(events.forward, ends, ends[::-1])
    return Counter(zip(zip(*ends.tolist(), strict=True), events.time.tolist(), strict=True))


def test_every_event_after_the_first_of_its_pair_is_kept_in_the_order_of_time() -> None:
    change = night(table((1, 2, 30), (2, 1, 10), (3, 1, 10), (1, 3, 10), (1, 2, 20)), 1)
    assert (change.added, change.repeated) == (2, 3)
    assert repeats(change.graph) == [((1, 3), 10), ((1, 2), 20), ((1, 2), 30)]
    assert change.graph.tables.first_seen.tolist() == [10, 10]


def test_event_of_a_living_pair_is_a_repeat_and_no_change_of_the_edges() -> None:
    first = night(table((1, 2, 10), (2, 3, 20)), 1).graph
    change = night(table((2, 1, DAY + 5)), 2, first)
    assert (change.added, change.removed, change.returned, change.repeated) == (0, 0, 0, 1)
    assert repeats(change.graph) == [((1, 2), DAY + 5)]


def test_window_that_is_read_again_enters_no_event_twice() -> None:
    window = table((1, 2, DAY - 9), (1, 2, DAY - 9), (1, 2, DAY - 5), (2, 3, DAY - 1))
    first = night(window, 1).graph
    more = pd.concat([window, table((1, 2, DAY - 9), (1, 2, DAY + 1))])  # one more of the same second, and a new one
    change = night(more, 2, first)
    assert change.repeated == 2
    assert repeats(change.graph)[2:] == [((1, 2), DAY + 1), ((1, 2), DAY + 1)]  # the late one is known from tonight on
    assert night(more, 3, change.graph).repeated == 0


def test_late_event_is_held_from_the_night_that_brought_it_and_known_again_by_the_time_it_was_told() -> None:
    first = night(table((1, 2, 10), (2, 3, 20)), 1).graph
    late = table((1, 2, DAY - 7), (4, 5, DAY - 6), (4, 5, DAY - 5), (5, 6, DAY + 3))
    second = night(late, 2, first).graph
    assert repeats(second) == [((1, 2), DAY + 1), ((4, 5), DAY + 1)]
    # Nothing of a pair may be seen before the pair itself is.
    assert (second.tables.repeats.time >= second.tables.first_seen[second.tables.repeats.edge]).all()
    assert second.late.told.tolist() == [DAY - 7, DAY - 6, DAY - 5]
    third = night(late, 3, second)
    assert third.repeated == 0
    assert content_id(third.graph) == content_id(second)
    # A pair's earliest event may be out of the window when a later one is read again.
    assert night(table((4, 5, DAY - 5)), 3, second).repeated == 0
    assert night(table((4, 5, DAY - 6), (4, 5, DAY - 4)), 3, second).repeated == 1


def test_event_from_before_the_first_known_one_is_kept_once() -> None:
    first = night(table((1, 2, DAY - 5)), 1).graph
    window = table((1, 2, DAY - 5), (1, 2, DAY - 9))
    second = night(window, 2, first).graph
    assert repeats(second) == [((1, 2), DAY + 1)]
    assert second.tables.first_seen.tolist() == [DAY - 5]
    assert night(window, 3, second).repeated == 0
    assert content_id(second) == content_id(night(window, 2).graph)


def test_removed_edge_keeps_its_repeats_until_it_is_back() -> None:
    whole = table((1, 2, 10), (1, 2, 30), (2, 3, 5))
    first = night(whole, 1, params=DUMP).graph
    second = night(whole.iloc[2:], 2, first, params=DUMP)
    assert (second.removed, repeats(second.graph)) == (1, [((1, 2), 30)])
    assert content_id(second.graph) == content_id(night(whole.iloc[2:], 2, params=DUMP).graph)
    third = night(whole, 3, second.graph, params=DUMP)
    assert (third.returned, third.repeated, repeats(third.graph)) == (1, 0, [((1, 2), 30)])
    assert content_id(third.graph) == content_id(first)


def test_earliest_row_of_a_dump_is_the_edge_itself_however_it_is_dated() -> None:
    first = night(table((1, 2, 10), (2, 3, 5)), 1, params=DUMP).graph
    moved = night(table((1, 2, DAY + 7), (2, 3, 5)), 2, first, params=DUMP)
    assert moved.repeated == 0
    # The rows of a dump that begins later each night are known again, and only what it adds is new.
    wider = night(table((1, 2, DAY + 7), (1, 2, DAY + 8), (2, 3, 5), (2, 3, DAY + 2)), 2, first, params=DUMP)
    assert repeats(wider.graph) == [((2, 3), DAY + 2), ((1, 2), DAY + 8)]
    rolled = table((1, 2, DAY + 8), (1, 2, 2 * DAY + 4), (2, 3, DAY + 2))
    assert repeats(night(rolled, 3, wider.graph, params=DUMP).graph)[2:] == [((1, 2), 2 * DAY + 4)]


def test_deliveries_without_times_have_no_repeats() -> None:
    change = night(pd.DataFrame({"source": [1, 2], "target": [2, 1]}), 1, params=SnapshotParams(duplicates="merge"))
    assert (change.repeated, len(change.graph.tables.repeats)) == (0, 0)


def test_graph_of_an_earlier_version_goes_on_with_its_edges() -> None:
    old = night(table((1, 2, DAY - 50)), 1).graph
    window = table((1, 2, DAY - 50), (1, 2, DAY - 20), (1, 2, DAY + 1))  # the second was read, and not kept
    change = night(window, 2, old)
    assert repeats(change.graph) == [((1, 2), DAY + 1), ((1, 2), DAY + 1)]
    assert night(window, 3, change.graph).repeated == 0


# The id of triangle 1-2-3 without times, as versions without events gave it.
OLD_ID = "6e331c2ed1923abf15708bc9c2df935ec841217727eb673bbd66e943c2e1d940"


@pytest.mark.parametrize("params", [LOG, DUMP])
def test_content_id_is_the_old_one_without_repeats_and_another_with_each_set_of_them(params: SnapshotParams) -> None:
    triangle = [(1, 2, 5), (2, 3, 6), (1, 3, 7)]
    deliveries: list[list[Row]] = [[], [(1, 2, 9)], [(1, 3, 9)], [(1, 2, 8)], [(1, 2, 9), (1, 2, 9)], [(1, 2, 5)]]
    ids = [content_id(night(table(*triangle, *more), 1, params=params).graph) for more in deliveries]
    assert ids[0] == OLD_ID
    assert len(set(ids)) == len(ids)


def test_content_id_knows_no_numbering_of_the_events() -> None:
    rows = table((1, 2, 5), (2, 3, 6), (1, 3, 7), (1, 2, 9), (3, 2, 8), (3, 2, 8))
    straight = content_id(night(rows, 1).graph)
    shuffled = rows.sample(frac=1, random_state=0).rename(columns={"source": "target", "target": "source"})
    assert content_id(night(shuffled, 1).graph) == straight
    begun = night(rows.iloc[[2]], 1).graph  # the third edge has position 0 here
    assert content_id(night(rows, 2, begun).graph) == straight


def test_content_id_knows_which_way_events_went_by_their_ids() -> None:
    rows = [(2, 1, 5), (2, 3, 6), (1, 3, 7), (1, 2, 9)]
    plain, straight = (content_id(night(table(*rows), 1, directed=ways).graph) for ways in (False, True))
    begun = night(table(rows[1]), 1, directed=True).graph  # node 1 has the last position here
    assert content_id(night(table(*rows), 2, begun, directed=True).graph) == straight
    turned = [content_id(night(table(*rows[:at], row[1::-1] + row[2:], *rows[at + 1 :]), 1, directed=True).graph)
              for at, row in enumerate(rows)]  # fmt: skip
    assert len({plain, straight, *turned}) == 6


def test_ways_are_kept_from_the_first_night_or_never() -> None:
    first, second = table((1, 2, 5), (2, 3, 6)), table((3, 1, DAY + 1), (2, 1, DAY + 2))
    kept = night(second, 2, night(first, 1, directed=True).graph, directed=True).graph.tables
    assert kept.first_forward is not None
    assert kept.repeats.forward is not None
    assert (kept.first_forward.tolist(), kept.repeats.forward.tolist()) == ([True, True, False], [False])
    quiet = night(second.head(0), 3, night(first, 1, directed=True).graph, directed=True).graph.tables
    assert quiet.first_forward is not None
    late = night(second, 2, night(first, 1).graph, directed=True).graph.tables
    assert (late.first_forward, late.repeats.forward) == (None, None)


EVENTS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 4 * DAY - 1), st.sampled_from([0, 0, DAY // 2])),
    min_size=1,
    max_size=40,
)


def play(
    rows: Sequence[tuple[int, int, int, int]], last: int, window: int, *, directed: bool = False
) -> CanonicalGraph:
    """Read a log night by night; a row is (source, target, time, delay), and the file of a night holds a window."""
    graph = None
    for day in range(1, last + 1):
        after = -1 if graph is None else (day - 1) * DAY - window
        seen = [row[:3] for row in rows if row[2] + row[3] <= day * DAY and after < row[2] <= day * DAY]
        graph = night(table(*seen), day, graph, directed=directed).graph
    assert graph is not None
    return graph


@settings(max_examples=60, deadline=None)
@given(rows=EVENTS, coarse=st.booleans(), directed=st.booleans(), shuffle=st.randoms(use_true_random=False))
def test_log_read_by_the_night_in_any_order_gives_the_events_that_are_read_at_once(
    rows: list[tuple[int, int, int, int]], coarse: bool, directed: bool, shuffle: random.Random
) -> None:
    if coarse:  # many events of one second
        rows = [(a, b, time // DAY * DAY + DAY // 4, delay) for a, b, time, delay in rows]
    events = Counter(((a, b) if directed else (min(a, b), max(a, b)), time) for a, b, time, _ in rows if a != b)
    by_night = play(rows, 6, window=DAY, directed=directed)
    whole = night(table(*(row[:3] for row in rows)), 6, directed=directed).graph
    assert told(by_night) == told(whole) == events
    assert content_id(by_night) == content_id(whole)
    tables = by_night.tables
    assert (np.diff(tables.repeats.time) >= 0).all()
    assert (tables.repeats.time >= tables.first_seen[tables.repeats.edge]).all()
    shuffled = list(rows)
    shuffle.shuffle(shuffled)
    other = play(shuffled, 6, window=DAY, directed=directed).tables
    for name in ("edge", "time"):
        assert getattr(other.repeats, name).tolist() == getattr(tables.repeats, name).tolist()
    # The same window once more, as after a retry or on a quiet night.
    again = night(table(*(row[:3] for row in rows if row[2] > 3 * DAY)), 7, by_night, directed=directed)
    assert (again.repeated, again.added) == (0, 0)
