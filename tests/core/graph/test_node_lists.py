from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from ncnc_core.graph.node_lists import NodeLists

rows = st.lists(st.lists(st.tuples(st.integers(0, 5), st.floats(0.5, 2, width=32)), max_size=4), min_size=3, max_size=3)
VALUES = torch.rand(6, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def lists_of(content: list[list[tuple[int, float]]], *, weighted: bool = True) -> NodeLists:
    entries = [entry for row in content for entry in row]
    weight = torch.tensor([weight for _, weight in entries]) if weighted else None
    pointer = torch.tensor([0, *[len(row) for row in content]]).cumsum(0)
    return NodeLists(pointer, torch.tensor([node for node, _ in entries], dtype=torch.int64), weight)


def test_sum_rows_adds_the_values_of_each_list_with_its_weights() -> None:
    lists = NodeLists(torch.tensor([0, 2, 2]), torch.tensor([0, 2]), torch.tensor([1.0, 0.5]))
    values = torch.tensor([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    assert lists.sum_rows(values).tolist() == [[3.0, 30.0], [0.0, 0.0]]


@given(rows, rows, st.booleans())
def test_joined_lists_hold_each_pairs_entries_one_part_after_the_other(
    first: list[list[tuple[int, float]]], second: list[list[tuple[int, float]]], weighted: bool
) -> None:
    joined = NodeLists.joined([lists_of(first, weighted=False), lists_of(second, weighted=weighted)])
    ones = [[(node, 1.0) for node, _ in row] for row in first]
    other = second if weighted else [[(node, 1.0) for node, _ in row] for row in second]
    expected = lists_of([a + b for a, b in zip(ones, other, strict=True)])
    assert joined.row_pointer.tolist() == expected.row_pointer.tolist()
    assert joined.node.tolist() == expected.node.tolist()
    assert (joined.weight is None) is not weighted
    if joined.weight is not None:
        assert torch.equal(joined.weight, expected.weight)


def test_count_of_a_thinned_list_is_what_it_stands_for() -> None:
    pointer, node = torch.tensor([0, 2, 2, 3]), torch.tensor([0, 2, 1])
    assert NodeLists(pointer, node).count.tolist() == [2, 0, 1]
    assert NodeLists(pointer, node, torch.tensor([1.5, 1.5, 4.0])).count.tolist() == [3.0, 0.0, 4.0]


@given(rows)
def test_occupied_rows_alone_have_the_sums_they_had_among_the_empty(content: list[list[tuple[int, float]]]) -> None:
    lists = lists_of(content)
    taken = lists.occupied.nonzero().flatten()
    torch.testing.assert_close(lists.only(taken).sum_rows(VALUES), lists.sum_rows(VALUES)[taken])


@given(rows, st.permutations(range(6)))
def test_renumbered_nodes_sum_to_the_same_where_their_values_moved_along(
    content: list[list[tuple[int, float]]], order: list[int]
) -> None:
    lists, place = lists_of(content), torch.tensor(order)
    moved = torch.empty_like(VALUES)
    moved[place] = VALUES
    torch.testing.assert_close(lists.renumbered(place).sum_rows(moved), lists.sum_rows(VALUES))
