from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncnc_core.kernels import neighbor_sampler as kernels
from ncnc_core.kernels.neighbor_sampler import NO_LIMIT, Flags, Ints

SIZE = 12
edge_lists = st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)), max_size=60)
NOTHING = np.zeros(0, dtype=np.int64)
UNTOUCHED = np.zeros(SIZE, dtype=np.bool_)
EVENLY = np.uint64(0)


def rows_of(edges: list[tuple[int, int]]) -> tuple[Ints, Ints]:
    near = [sorted({v for a, b in edges for u, v in ((a, b), (b, a)) if u == node != v}) for node in range(SIZE)]
    pointer = np.cumsum([0, *(len(row) for row in near)]).astype(np.int64)
    return pointer, np.array([v for row in near for v in row], dtype=np.int64)


def hidden(pointer: Ints, column: Ints, every: int) -> tuple[Ints, Flags]:
    """Every so many-th entry is removed."""
    removed = np.arange(0, column.size, every, dtype=np.int64)
    touched = UNTOUCHED.copy()
    touched[np.searchsorted(pointer, removed, side="right") - 1] = True
    return removed, touched


def thinned_reference(left: list[int], limit: int, shift: float) -> list[int]:
    if len(left) <= limit:
        return left
    return [left[math.floor((number + shift) * len(left) / limit)] for number in range(limit)]


@pytest.mark.parametrize("limit", [1, 3, 100])
@pytest.mark.parametrize("every", [2, 3, 1000])
@given(edge_lists)
def test_thinned_rows_are_evenly_spaced_over_what_is_not_removed(
    every: int, limit: int, edges: list[tuple[int, int]]
) -> None:
    pointer, column = rows_of(edges)
    removed, touched = hidden(pointer, column, every)
    nodes = np.array([3, 0, 11, 3], dtype=np.int64)
    rows, entry, degree = kernels.thin_rows(pointer, column, removed, touched, nodes, limit, EVENLY)
    for row, node in enumerate(nodes):
        left = [place for place in range(pointer[node], pointer[node + 1]) if place not in set(removed)]
        assert degree[row] == len(left)
        assert entry[rows[row] : rows[row + 1]].tolist() == thinned_reference(left, limit, 0.5)
    assert kernels.left_degrees(pointer, removed, touched, nodes).tolist() == degree.tolist()


@pytest.mark.parametrize("limit", [1, 3, NO_LIMIT])
@pytest.mark.parametrize("every", [2, 3, 1000])
@given(edge_lists)
def test_degrees_around_are_those_of_the_thinned_rows_without_what_is_removed(
    every: int, limit: int, edges: list[tuple[int, int]]
) -> None:
    pointer, column = rows_of(edges)
    removed, touched = hidden(pointer, column, every)
    nodes = np.array([3, 0, 11, 3], dtype=np.int64)
    view, thinned = (pointer, column, removed, touched), (nodes, limit, np.uint64(5))
    rows, entry, _ = kernels.thin_rows(*view, *thinned)
    mean, largest = kernels.degrees_around(*view, *thinned)
    gone = set(removed.tolist())
    for row in range(4):
        around = [
            sum(place not in gone for place in range(pointer[node], pointer[node + 1]))
            for node in column[entry[rows[row] : rows[row + 1]]]
        ]
        assert largest[row] == max(around, default=0)
        assert mean[row] == pytest.approx(sum(around) / max(len(around), 1))


def test_every_entry_is_drawn_as_often_as_any_other() -> None:
    pointer, column = rows_of([(0, v) for v in range(1, 11)])
    times = np.zeros(10)
    for seed in range(1, 4001):
        _, entry, _ = kernels.thin_rows(
            pointer, column, NOTHING, UNTOUCHED, np.zeros(1, np.int64), 3, np.uint64(seed * 7919)
        )
        assert np.unique(entry).size == 3
        times[entry] += 1
    assert np.abs(times / 4000 - 0.3).max() < 0.03  # four standard deviations


def test_draw_depends_on_seed_and_node_alone() -> None:
    pointer, column = rows_of([(a, b) for a in range(SIZE) for b in range(a)])
    alone = kernels.thin_rows(pointer, column, NOTHING, UNTOUCHED, np.array([5]), 4, np.uint64(9))[1]
    among = kernels.thin_rows(pointer, column, NOTHING, UNTOUCHED, np.array([1, 5, 2]), 4, np.uint64(9))[1]
    assert among[4:8].tolist() == alone.tolist()
    others = {
        tuple(kernels.thin_rows(pointer, column, NOTHING, UNTOUCHED, np.array([5]), 4, np.uint64(seed))[1].tolist())
        for seed in range(1, 30)
    }
    assert len(others) > 1


def test_hash_fills_the_unit_interval_evenly() -> None:
    values = np.array([kernels.uniform_hash(np.uint64(2**63 + 7), key) for key in range(20_000)])
    assert 0 <= values.min() < values.max() < 1
    assert np.abs(np.histogram(values, bins=10, range=(0, 1))[0] / 2000 - 1).max() < 0.1


def test_nodes_are_numbered_once_in_ascending_order_and_forgotten() -> None:
    place = np.full(SIZE, -1, dtype=np.int32)
    first = kernels.note_new_nodes(place, np.array([7, 2, 7, 11]))
    assert first.tolist() == [2, 7, 11]
    kernels.give_places(place, first, 0)
    second = kernels.note_new_nodes(place, np.array([11, 0, 2, 5, 0]))
    assert second.tolist() == [0, 5]
    kernels.give_places(place, second, 3)
    assert kernels.places_of(place, np.array([0, 2, 5, 7, 11])).tolist() == [3, 0, 4, 1, 2]
    kernels.wipe_places(place, np.concatenate([first, second]))
    assert (place == -1).all()


def test_no_nodes_and_no_edges_give_nothing() -> None:
    pointer, column = rows_of([])
    rows, entry, degree = kernels.thin_rows(pointer, column, NOTHING, UNTOUCHED, np.arange(SIZE), NO_LIMIT, EVENLY)
    assert (rows == 0).all()
    assert entry.size == 0
    assert (degree == 0).all()
    assert kernels.thin_rows(pointer, column, NOTHING, UNTOUCHED, NOTHING, 3, EVENLY)[0].tolist() == [0]
