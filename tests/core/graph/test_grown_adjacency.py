from __future__ import annotations

import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.event_history import EventHistory
from ncnc_core.graph.grown_adjacency import grown_adjacency, grown_times
from tests.fixtures.evolving_graphs import random_events, same_times


@pytest.mark.parametrize("seed", range(20))
def test_a_grown_graph_is_the_one_built_anew(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    before, after = 12, 12 + seed % 4
    old = torch.randint(before, (2, seed * 2), generator=generator)
    new = torch.randint(after, (2, 3 * (seed % 5)), generator=generator)  # repeats, loops and known edges among them
    found = grown_adjacency(Adjacency.from_edges(old, before), after, new)
    expected = Adjacency.from_edges(torch.cat([old, new], 1), after)
    assert torch.equal(found.row_pointer, expected.row_pointer)
    assert torch.equal(found.column, expected.column)
    assert torch.equal(found.keys, expected.keys)
    assert found.num_nodes == after


def undirected(edges: torch.Tensor) -> list[tuple[int, ...]]:
    return [tuple(sorted(one)) for one in edges.T.tolist()]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("was_weighted", [False, True])
@pytest.mark.parametrize("gives_weights", [False, True])
def test_weights_grow_to_those_of_the_graph_built_anew(seed: int, was_weighted: bool, gives_weights: bool) -> None:
    generator = torch.Generator().manual_seed(seed)
    graph = Adjacency.from_edges(torch.randint(9, (2, 12), generator=generator), 9)
    if was_weighted:
        graph = Adjacency.from_edges(graph.edges(), 9, torch.rand(graph.num_edges, generator=generator))
    new = torch.randint(11, (2, 7), generator=generator)  # repeats, loops and known edges among them
    ones = torch.ones(graph.num_edges) if graph.weight is None else graph.weight[graph.row < graph.column]
    weight_of = dict(zip(undirected(graph.edges()), ones.tolist(), strict=True))
    for edge, weight in zip(undirected(new), torch.rand(7, generator=generator).tolist(), strict=True):
        weight_of.setdefault(edge, weight if gives_weights else 1.0)
    given = torch.tensor([weight_of[edge] for edge in undirected(new)])  # a known edge is given the one that it has
    found = grown_adjacency(graph, 11, new, given if gives_weights else None)
    has_weights = was_weighted or gives_weights
    expected = Adjacency.from_edges(
        torch.tensor(list(weight_of)).T, 11, torch.tensor(list(weight_of.values())) if has_weights else None
    )
    assert torch.equal(found.row_pointer, expected.row_pointer)
    assert torch.equal(found.column, expected.column)
    assert (found.weight is None) == (expected.weight is None)
    assert found.weight is None or torch.equal(found.weight, expected.weight)


def test_another_weight_of_an_edge_is_refused() -> None:
    graph = Adjacency.from_edges(torch.tensor([[0], [1]]), 3, torch.tensor([2.0]))
    for edges, weight, told in (
        ([[1], [0]], [3.0], r"edge 0-1 comes twice, with the weights 2\.0 and 3\.0"),
        ([[1, 2], [2, 1]], [3.0, 4.0], r"edge 1-2 comes twice, with the weights 3\.0 and 4\.0"),
        ([[1], [2]], [float("nan")], r"edge 1-2 has the weight nan\. Give finite weights"),
    ):
        with pytest.raises(InvalidGraph, match=told):
            grown_adjacency(graph, 3, torch.tensor(edges), torch.tensor(weight))


def test_an_end_that_is_no_node_is_refused() -> None:
    graph = Adjacency.from_edges(torch.tensor([[0], [1]]), 2)
    with pytest.raises(InvalidGraph, match=r"edges name position 3, but the graph has positions 0 to 2"):
        grown_adjacency(graph, 3, torch.tensor([[0], [3]]))


def timed(edges: list[tuple[int, int]], time: list[int], num_nodes: int) -> Adjacency:
    return EventHistory.of_events(torch.tensor(edges).T, torch.tensor(time), num_nodes).graph_at(max(time))


def grown(
    graph: Adjacency,
    edges: list[tuple[int, int]],
    time: list[int] | None,
    num_nodes: int,
    before: Adjacency | None = None,
) -> Adjacency:
    assert graph.times is not None
    added = torch.tensor(edges, dtype=torch.int64).reshape(-1, 2).T
    times = grown_times(graph, graph.times, added, None if time is None else torch.tensor(time), before or graph)
    return Adjacency.from_edges(torch.cat([graph.edges(), added], 1), num_nodes, times=times)


def test_new_edges_move_the_clock_and_known_ones_are_later_events() -> None:
    before = timed([(0, 1), (1, 2)], [10, 20], 3)
    # 1-0 is known; 2-3 is new, and comes twice; a self-loop
    after = grown(before, [(1, 0), (2, 3), (3, 2), (3, 3)], [40, 35, 30, 50], 4)
    assert after.times is not None
    own = after.times.kept(after.row < after.column)
    assert after.edges().T.tolist() == [[0, 1], [1, 2], [2, 3]]
    assert own.first.tolist() == [10, 20, 30]
    assert own.last.tolist() == [40, 20, 35]
    assert own.events.tolist() == [2, 1, 2]
    assert own.arrivals.tolist() == [10, 20, 30]


def test_an_edge_that_is_taken_away_and_given_back_counts_once_on_the_clock() -> None:
    before = timed([(0, 1), (1, 2)], [10, 20], 3)
    after = grown(before.without(torch.tensor([[0], [1]])), [(0, 1), (0, 2)], [40, 50], 3, before)
    assert after.times is not None
    assert after.times.arrivals.tolist() == [10, 20, 50]
    assert after.times.first.max() == 50
    assert after.edges().T.tolist() == [[0, 1], [0, 2], [1, 2]]


@pytest.mark.parametrize("seed", range(10))
def test_times_grow_to_what_they_are_where_all_edges_come_at_once(seed: int) -> None:
    ends, time = random_events(seed)
    time, half = time.sort().values, time.numel() // 2
    whole = EventHistory.of_events(ends, time, 30).graph_at(99)
    found = grown(
        EventHistory.of_events(ends[:, :half], time[:half], 30).graph_at(99),
        ends[:, half:].T.tolist(),
        time[half:].tolist(),
        30,
    )
    assert torch.equal(found.column, whole.column)
    assert same_times(found.times, whole.times)


def test_edges_without_times_come_with_the_last_one_and_no_edges_change_nothing() -> None:
    before = timed([(0, 1), (1, 2), (0, 1)], [10, 20, 25], 3)
    after = grown(before, [(0, 2)], None, 3)
    assert after.times is not None
    assert after.times.arrivals.tolist() == [10, 20, 25]
    unchanged = grown(before, [], None, 5)
    assert before.times is not None
    assert unchanged.times is not None
    assert torch.equal(unchanged.times.last, before.times.last)
    assert torch.equal(unchanged.times.arrivals, before.times.arrivals)


def test_directions_grow_with_the_edges_as_they_are_given() -> None:
    ends, time = torch.tensor([[0, 2], [1, 1]]), torch.tensor([10, 20])
    before = EventHistory.of_events(ends, time, 3, directed=True).graph_at(20)
    after = grown(before, [(1, 0), (3, 2), (0, 1)], [30, 35, 40], 4)
    assert after.times is not None
    own = after.times.kept(after.row < after.column)
    assert after.edges().T.tolist() == [[0, 1], [1, 2], [2, 3]]
    assert own.sent is not None
    assert (own.sent.tolist(), own.events.tolist()) == ([2, 0, 0], [3, 1, 1])
