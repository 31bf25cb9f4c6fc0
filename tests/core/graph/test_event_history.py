from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.event_history import FOREVER, EventHistory
from tests.fixtures.evolving_graphs import random_events, random_history, same_times

# Unsorted; 0-1 three times in both directions, 2-3 twice at one time, a self-loop, and 4 without an edge.
ENDS = torch.tensor([[2, 1, 0, 3, 1, 2, 0], [3, 0, 1, 2, 2, 2, 1]])
TIME = torch.tensor([30, 20, 10, 30, 25, 5, 40])
HISTORY = EventHistory.of_events(ENDS, TIME, 5)


def same(first: Adjacency, second: Adjacency) -> bool:
    pairs = [(first.row_pointer, second.row_pointer), (first.column, second.column)]
    return all(torch.equal(*pair) for pair in pairs) and same_times(first.times, second.times)


def test_events_in_any_order_and_direction_become_edges_with_their_repeats() -> None:
    assert HISTORY.edges.T.tolist() == [[0, 1], [1, 2], [2, 3]]
    assert HISTORY.first_seen.tolist() == [10, 25, 30]
    assert HISTORY.alive_since.tolist() == [10, 25, 30]
    assert HISTORY.removed_at.tolist() == [FOREVER] * 3
    repeats = zip(HISTORY.repeat_edge.tolist(), HISTORY.repeat_time.tolist(), strict=True)
    assert list(repeats) == [(0, 20), (2, 30), (0, 40)]


def test_the_graph_at_a_time_carries_what_its_edges_had_by_then() -> None:
    graph = HISTORY.graph_at(30)
    assert graph.edges().T.tolist() == [[0, 1], [1, 2], [2, 3]]
    assert graph.times is not None
    own = graph.times.kept(graph.row < graph.column)
    assert own.first.tolist() == [10, 25, 30]
    assert own.last.tolist() == [20, 25, 30]
    assert own.events.tolist() == [2, 1, 2]
    assert own.arrivals.tolist() == [10, 25, 30]
    assert HISTORY.graph_at(9).num_edges == 0
    assert HISTORY.graph_at(24).edges().T.tolist() == [[0, 1]]


def test_the_clock_says_how_many_edges_had_come_and_when_so_many_had() -> None:
    assert [HISTORY.arrived(time) for time in (9, 10, 29, 30, 99)] == [0, 1, 2, 3, 3]
    assert [HISTORY.time_of(count) for count in (0, 1, 2, 3)] == [10, 10, 25, 30]


def test_fresh_edges_are_those_that_came_after_one_time_and_up_to_another() -> None:
    assert HISTORY.fresh(10, 30).T.tolist() == [[1, 2], [2, 3]]
    assert HISTORY.fresh(30, 99).shape == (2, 0)  # what is repeated is not fresh


def test_seen_nodes_and_keys_are_those_of_the_edges_so_far() -> None:
    assert HISTORY.seen_nodes(10).tolist() == [True, True, False, False, False]
    assert HISTORY.seen_nodes(99).tolist() == [True, True, True, True, False]
    assert HISTORY.keys_until(25).tolist() == [1, 7]


def removed_and_returned() -> EventHistory:
    """0-1 went at 20; 1-2 went at 20 and came back at 30; 2-3 stays."""
    return EventHistory(
        edges=torch.tensor([[0, 1, 2], [1, 2, 3]]),
        first_seen=torch.tensor([10, 10, 15]),
        alive_since=torch.tensor([10, 30, 15]),
        removed_at=torch.tensor([20, FOREVER, FOREVER]),
        repeat_edge=torch.tensor([1]),
        repeat_time=torch.tensor([30]),
        num_nodes=4,
    )


def test_an_edge_is_gone_when_it_is_removed_and_back_when_it_returned() -> None:
    history = removed_and_returned()
    assert history.graph_at(19).edges().T.tolist() == [[0, 1], [2, 3]]  # of 1-2 the last life counts
    assert history.graph_at(20).edges().T.tolist() == [[2, 3]]
    back = history.graph_at(30)
    assert back.edges().T.tolist() == [[1, 2], [2, 3]]
    assert back.times is not None
    own = back.times.kept(back.row < back.column)
    assert (own.first.tolist(), own.last.tolist(), own.events.tolist()) == ([10, 15], [30, 15], [2, 1])
    assert own.arrivals.tolist() == [10, 10, 15]  # also the one that is gone: the clock never goes back


def test_what_came_back_is_not_fresh_and_what_was_gone_again_by_then_is_neither() -> None:
    history = removed_and_returned()
    assert history.fresh(5, 30).T.tolist() == [[1, 2], [2, 3]]
    assert history.fresh(15, 30).shape == (2, 0)
    assert history.fresh(5, 12).T.tolist() == [[0, 1]]
    assert history.keys_until(30).tolist() == [1, 6, 11]  # no negative may be an edge that is gone


def test_until_an_edge_that_was_removed_later_lives() -> None:
    early = removed_and_returned().until(15)
    assert early.removed_at.tolist() == [FOREVER] * 3
    assert early.repeat_time.numel() == 0
    assert removed_and_returned().until(20).removed_at.tolist() == [20, FOREVER, FOREVER]
    assert removed_and_returned().until(12).edges.T.tolist() == [[0, 1], [1, 2]]


@given(seed=st.integers(0, 200), cut=st.integers(-1, 45), later=st.integers(0, 45))
def test_nothing_that_came_later_changes_what_was(seed: int, cut: int, later: int) -> None:
    history = random_history(seed)
    known = history.until(cut)
    time = min(cut, later)
    assert same(known.graph_at(time), history.graph_at(time))
    assert torch.equal(known.fresh(time - 10, time), history.fresh(time - 10, time))
    assert torch.equal(known.seen_nodes(time), history.seen_nodes(time))
    assert torch.equal(known.keys_until(time), history.keys_until(time))
    assert known.arrived(time) == history.arrived(time)


@given(seed=st.integers(0, 200))
def test_the_order_and_direction_of_events_change_nothing(seed: int) -> None:
    ends, time = random_events(seed)
    order = torch.randperm(time.numel(), generator=torch.Generator().manual_seed(seed))
    first = EventHistory.of_events(ends, time, 30)
    second = EventHistory.of_events(ends.flip(0)[:, order], time[order], 30)
    assert torch.equal(first.edges, second.edges)
    assert all(same(first.graph_at(at), second.graph_at(at)) for at in (5, 20, 40))


def test_no_events_are_no_edges() -> None:
    empty = EventHistory.of_events(torch.zeros(2, 0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64), 3)
    assert empty.graph_at(5).num_edges == 0
    assert empty.until(5).arrived(5) == 0


def test_events_without_a_time_each_or_between_unknown_nodes_are_refused() -> None:
    with pytest.raises(InvalidGraph, match=r"There are 2 times for 3 edges\. Give one time an edge"):
        EventHistory.of_events(ENDS[:, :3], TIME[:2], 5)
    with pytest.raises(InvalidGraph, match=r"edges name position 3, .*Raise num_nodes"):
        EventHistory.of_events(ENDS, TIME, 3)


def test_a_directed_history_knows_how_many_events_went_which_way_by_a_time() -> None:
    history = EventHistory.of_events(ENDS, TIME, 5, directed=True)
    for time, sent in ((10, [1]), (20, [1]), (30, [1, 1, 1]), (40, [2, 1, 1])):
        graph = history.graph_at(time)
        assert graph.times is not None
        own = graph.times.kept(graph.row < graph.column)
        assert own.sent is not None
        assert own.received is not None
        assert own.sent.tolist() == sent
        assert (own.sent + own.received).tolist() == own.events.tolist()
        back = graph.times.kept(graph.row > graph.column).sent
        assert back is not None
        assert int(back.sum() + own.sent.sum()) == int(own.events.sum())
    assert HISTORY.graph_at(40).times.sent is None  # type: ignore[union-attr]


@given(seed=st.integers(0, 200), cut=st.integers(-1, 45))
def test_which_way_later_events_went_changes_nothing(seed: int, cut: int) -> None:
    ends, time = random_events(seed)
    turned = torch.where(time > cut, ends.flip(0), ends)
    first, second = (EventHistory.of_events(one, time, 30, directed=True) for one in (ends, turned))
    assert same(first.graph_at(cut), second.graph_at(cut))
    assert same(first.until(cut).graph_at(cut), first.graph_at(cut))
