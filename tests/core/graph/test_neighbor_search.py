from __future__ import annotations

from itertools import pairwise

import torch
from hypothesis import given
from hypothesis import strategies as st

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.node_lists import NodeLists
from ncnc_core.graph.two_hop import two_hop_neighbors
from ncnc_core.kernels.overlap_reference import (
    common_neighbors_reference,
    exclusive_neighbors_reference,
    neighbor_sets,
    two_hop_sets,
)

SIZE = 8
nodes = st.integers(0, SIZE - 1)
pair_lists = st.lists(st.tuples(nodes, nodes), max_size=25)


def as_tensor(pairs: list[tuple[int, int]]) -> torch.Tensor:
    return torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).T.contiguous()


def as_lists(lists: NodeLists) -> list[list[int]]:
    pointer = lists.row_pointer.tolist()
    return [lists.node[a:b].tolist() for a, b in pairwise(pointer)]


@given(pair_lists, pair_lists)
def test_common_neighbors_equal_the_sets(edges: list[tuple[int, int]], pairs: list[tuple[int, int]]) -> None:
    adjacency = Adjacency.from_edges(as_tensor(edges), SIZE)
    expected = common_neighbors_reference(neighbor_sets(edges, SIZE), pairs)
    lists = adjacency.common_neighbors(as_tensor(pairs))
    assert as_lists(lists) == expected
    assert lists.occupied.tolist() == [bool(row) for row in expected]
    assert lists.owner.tolist() == [row for row, members in enumerate(expected) for _ in members]


@given(pair_lists, pair_lists, st.booleans())
def test_exclusive_neighbors_equal_the_sets(
    edges: list[tuple[int, int]], pairs: list[tuple[int, int]], skip_other: bool
) -> None:
    adjacency, both = Adjacency.from_edges(as_tensor(edges), SIZE), as_tensor(pairs)
    lists = adjacency.exclusive_neighbors(both[0], both[1], adjacency.common_neighbors(both), skip_other=skip_other)
    expected = exclusive_neighbors_reference(neighbor_sets(edges, SIZE), pairs, skip_other=skip_other)
    assert as_lists(lists) == expected


@given(pair_lists, pair_lists)
def test_two_hop_overlap_equals_the_plain_twin(edges: list[tuple[int, int]], pairs: list[tuple[int, int]]) -> None:
    adjacency, both = Adjacency.from_edges(as_tensor(edges), SIZE), as_tensor(pairs)
    near = neighbor_sets(edges, SIZE)
    far = two_hop_sets(near)
    first, second = two_hop_neighbors(adjacency, both)
    assert as_lists(first) == [sorted(near[i] & far[j]) for i, j in pairs]
    assert as_lists(second) == [sorted(near[j] & far[i]) for i, j in pairs]


def test_last_key_of_the_graph_is_found() -> None:
    """The pair of the two highest nodes, where searchsorted runs off the end."""
    adjacency = Adjacency.from_edges(torch.tensor([[0, 0, 1], [1, 2, 2]]), 3)
    assert as_lists(adjacency.common_neighbors(torch.tensor([[1, 0, 2], [2, 1, 0]]))) == [[0], [2], [1]]


def test_known_edge_does_not_list_its_own_end() -> None:
    adjacency = Adjacency.from_edges(torch.tensor([[0, 0], [1, 2]]), 3)
    pair = torch.tensor([[0], [1]])
    common = adjacency.common_neighbors(pair)
    assert as_lists(adjacency.exclusive_neighbors(*pair, common, skip_other=False)) == [[1, 2]]
    assert as_lists(adjacency.exclusive_neighbors(*pair, common, skip_other=True)) == [[2]]


@given(pair_lists, pair_lists, st.integers(1, 4), st.booleans())
def test_limited_exclusive_neighbors_are_a_choice_of_all_of_them(
    edges: list[tuple[int, int]], pairs: list[tuple[int, int]], limit: int, random: bool
) -> None:
    adjacency, both = Adjacency.from_edges(as_tensor(edges), SIZE), as_tensor(pairs)
    common = adjacency.common_neighbors(both)
    lists = adjacency.exclusive_neighbors(*both, common, skip_other=True, limit=limit, random=random)
    expected = exclusive_neighbors_reference(neighbor_sets(edges, SIZE), pairs, skip_other=True)
    for kept, every in zip(as_lists(lists), expected, strict=True):
        assert kept == sorted(set(kept) & set(every))
        assert len(kept) == min(limit, len(every))


def test_one_direction_of_an_edge_dropped_leaves_the_other_row_as_it_is() -> None:
    """Edge dropout makes graphs like this: 0 lists 1 and 2, neither lists 0."""
    adjacency = Adjacency.from_edges(torch.tensor([[0, 0, 1], [1, 2, 2]]), 3)
    adjacency = adjacency.masked(adjacency.row.eq(0) | adjacency.column.ne(0))
    pair = torch.tensor([[0, 1], [1, 0]])
    common = adjacency.common_neighbors(pair)
    assert as_lists(common) == [[2], [2]]
    assert as_lists(adjacency.exclusive_neighbors(*pair, common, skip_other=True)) == [[], []]
