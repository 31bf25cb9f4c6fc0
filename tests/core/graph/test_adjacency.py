from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency, contains_keys, pair_keys
from ncnc_core.graph.edge_times import EdgeTimes
from ncnc_core.kernels.overlap_reference import neighbor_sets

PATH = torch.tensor([[0, 1, 2], [1, 2, 3]])
SIZE = 9
edge_lists = st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)), max_size=30)


def as_edges(pairs: list[tuple[int, int]]) -> torch.Tensor:
    return torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).T.contiguous()


def rows(adjacency: Adjacency) -> list[list[int]]:
    pointer = adjacency.row_pointer.tolist()
    return [adjacency.column[a:b].tolist() for a, b in pairwise(pointer)]


@given(edge_lists)
def test_rows_are_the_sorted_neighbours_whatever_the_order_direction_or_repeats(pairs: list[tuple[int, int]]) -> None:
    expected = [sorted(around) for around in neighbor_sets(pairs, SIZE)]
    adjacency = Adjacency.from_edges(as_edges(pairs), SIZE)
    assert rows(adjacency) == expected
    assert rows(Adjacency.from_edges(as_edges(pairs[::-1]).flip(0), SIZE)) == expected
    assert adjacency.degree.tolist() == [len(around) for around in expected]
    assert adjacency.num_edges == sum(map(len, expected)) // 2


@given(edge_lists)
def test_edges_come_back_once_each_and_rebuild_the_graph(pairs: list[tuple[int, int]]) -> None:
    adjacency = Adjacency.from_edges(as_edges(pairs), SIZE)
    edges = adjacency.edges()
    assert bool((edges[0] < edges[1]).all())
    assert rows(Adjacency.from_edges(edges, SIZE)) == rows(adjacency)
    assert bool((adjacency.keys[1:] > adjacency.keys[:-1]).all())


@given(edge_lists, edge_lists)
def test_without_takes_out_the_pairs_in_both_directions_and_nothing_else(
    pairs: list[tuple[int, int]], removed: list[tuple[int, int]]
) -> None:
    gone = {frozenset(pair) for pair in removed}
    left = [pair for pair in pairs if frozenset(pair) not in gone]
    adjacency = Adjacency.from_edges(as_edges(pairs), SIZE).without(as_edges(removed))
    expected = Adjacency.from_edges(as_edges(left), SIZE)
    assert rows(adjacency) == rows(expected)
    assert torch.equal(adjacency.keys, expected.keys)
    assert adjacency.symmetric


@given(edge_lists)
def test_has_answers_for_every_pair_of_nodes(pairs: list[tuple[int, int]]) -> None:
    neighbors = neighbor_sets(pairs, SIZE)
    grid = torch.cartesian_prod(torch.arange(SIZE), torch.arange(SIZE)).T
    answers = Adjacency.from_edges(as_edges(pairs), SIZE).has(grid)
    assert answers.tolist() == [v in neighbors[u] for u, v in grid.T.tolist()]


def test_masked_keeps_single_directions_and_says_so() -> None:
    adjacency = Adjacency.from_edges(PATH, 4)
    kept = adjacency.masked(torch.tensor([True, False, True, False, False, True]))
    assert rows(kept) == [[1], [2], [], [2]]
    assert not kept.symmetric


def test_empty_graph_has_isolated_nodes_only() -> None:
    adjacency = Adjacency.from_edges(torch.zeros(2, 0, dtype=torch.int64), 3)
    assert rows(adjacency) == [[], [], []]
    assert adjacency.has(torch.tensor([[0], [1]])).tolist() == [False]
    assert adjacency.without(torch.tensor([[0], [1]])).num_edges == 0


def test_graph_without_nodes_is_a_graph() -> None:
    assert Adjacency.from_edges(torch.zeros(2, 0, dtype=torch.int64), 0).edges().shape == (2, 0)


@pytest.mark.parametrize(("node", "edges"), [(4, [[0], [4]]), (-1, [[-1], [2]])])
def test_endpoint_out_of_range_is_named_with_the_remedy(node: int, edges: list[list[int]]) -> None:
    with pytest.raises(InvalidGraph, match=rf"edges name position {node}, but the graph has.*0 to 3\. Raise num_nodes"):
        Adjacency.from_edges(torch.tensor(edges), 4)


@given(edge_lists)
def test_weights_stay_with_their_edges_through_removal_masking_and_moving(pairs: list[tuple[int, int]]) -> None:
    edges = as_edges(pairs)
    weight = (edges.min(0).values * SIZE + edges.max(0).values).float()  # one weight an edge, named by its ends
    adjacency = Adjacency.from_edges(edges, SIZE, weight).without(as_edges(pairs[:3])).to("cpu")
    expected = torch.minimum(adjacency.row, adjacency.column) * SIZE + torch.maximum(adjacency.row, adjacency.column)
    assert adjacency.weight is not None
    assert adjacency.weight.tolist() == expected.tolist()
    assert rows(adjacency) == rows(Adjacency.from_edges(edges, SIZE).without(as_edges(pairs[:3])))


def test_pair_keys_forget_the_direction() -> None:
    assert pair_keys(torch.tensor([[3, 1], [1, 3]]), 10).tolist() == [13, 13]


def test_contains_keys_does_not_run_off_the_end() -> None:
    assert contains_keys(torch.tensor([2, 5]), torch.tensor([1, 2, 5, 6])).tolist() == [False, True, True, False]
    assert contains_keys(torch.zeros(0, dtype=torch.int64), torch.tensor([1])).tolist() == [False]


def test_large_positions_do_not_collide() -> None:
    n = 2_000_000_000  # n * n needs 62 bits; row_pointer is not built
    keys = pair_keys(torch.tensor([[n - 1, n - 2], [n - 2, n - 1]]), n)
    assert keys[0] == keys[1] == (n - 2) * n + n - 1


@pytest.mark.parametrize("weight", [None, torch.tensor([1.0, 2.0, 3.0])])
@pytest.mark.parametrize(("pair", "position"), [((10**8, 1), "100000000"), ((-4, 1), "-4"), ((1, 4), "4")])
def test_a_position_that_is_no_node_is_refused_and_never_looked_up(
    weight: torch.Tensor | None, pair: tuple[int, int], position: str
) -> None:
    adjacency = Adjacency.from_edges(PATH, 4, weight)
    pairs = torch.tensor([[0, pair[0]], [1, pair[1]]])
    for asked in (adjacency.has, adjacency.without):
        with pytest.raises(InvalidGraph, match=rf"position {position}, but the graph has positions 0 to 3\. Give pos"):
            asked(pairs)
    nothing = pairs[:, :0]
    assert adjacency.has(nothing).tolist() == []
    assert adjacency.without(nothing) is adjacency


def test_edges_of_int32_are_counted_in_int64() -> None:
    far = torch.tensor([[70_000, 0], [69_999, 80_000]], dtype=torch.int32)  # row * num_nodes is beyond int32
    adjacency = Adjacency.from_edges(far, 80_001)
    assert adjacency.column.dtype == torch.int64
    assert adjacency.edges().tolist() == [[0, 69_999], [80_000, 70_000]]


def test_a_graph_that_is_on_the_device_already_is_the_same_one() -> None:
    graph = Adjacency.from_edges(torch.tensor([[0, 1], [1, 2]]), 3)
    assert graph.to("cpu") is graph
    assert graph.to("meta").column.device.type == "meta"


def test_times_follow_their_edges_in_both_directions_and_wherever_the_graph_goes() -> None:
    first = torch.tensor([30, 10, 20, 15])
    times = EdgeTimes(first, first + 5, torch.tensor([1, 2, 3, 4]), first.sort().values)
    edges = torch.tensor([[2, 1, 0, 3], [1, 0, 2, 3]])  # 3-3 is a self-loop
    graph = Adjacency.from_edges(edges, 4, times=times)
    assert graph.times is not None
    by_entry = dict(
        zip(zip(graph.row.tolist(), graph.column.tolist(), strict=True), graph.times.first.tolist(), strict=True)
    )
    assert by_entry == {(0, 1): 10, (1, 0): 10, (0, 2): 20, (2, 0): 20, (1, 2): 30, (2, 1): 30}
    for less in (graph.without(torch.tensor([[2], [0]])), graph.masked(graph.row + graph.column != 2, symmetric=True)):
        assert less.times is not None
        assert less.edges().T.tolist() == [[0, 1], [1, 2]]
        assert less.times.last.tolist() == [15, 15, 35, 35]
        assert less.times.arrivals.tolist() == [10, 15, 20, 30]


def test_an_edge_given_twice_has_the_times_of_both() -> None:
    first = torch.tensor([30, 10])
    times = EdgeTimes(first, first + 25, torch.tensor([1, 2]), first.sort().values)
    graph = Adjacency.from_edges(torch.tensor([[0, 1], [1, 0]]), 2, times=times)
    assert graph.times is not None
    assert (graph.times.first.tolist(), graph.times.last.tolist()) == ([10, 10], [55, 55])
    assert graph.times.events.tolist() == [3, 3]


@pytest.mark.parametrize("seed", range(10))
def test_places_of_keys_are_those_among_all_sorted_keys(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    graph = Adjacency.from_edges(torch.randint(9, (2, 3 * seed), generator=generator), 10)
    wanted = torch.arange(100)  # of every pair, with rows that are empty and ends behind a row's last
    assert torch.equal(graph.key_places(wanted), torch.searchsorted(graph.keys, wanted))
    assert torch.equal(graph.has_keys(wanted), torch.isin(wanted, graph.keys))
