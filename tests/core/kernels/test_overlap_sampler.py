from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.kernels import overlap_sampler as kernels
from ncnc_core.kernels.neighbor_sampler import NO_LIMIT
from ncnc_core.kernels.overlap_reference import neighbor_sets

SIZE = 12
edge_lists = st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)), max_size=60)
FIRST, SECOND = (row.numpy() for row in torch.triu_indices(SIZE, SIZE, offset=1))
NOTHING, UNTOUCHED = np.zeros(0, dtype=np.int64), np.zeros(SIZE, dtype=np.bool_)
EVENLY = np.uint64(0)


def view(edges: list[tuple[int, int]]) -> tuple[np.ndarray, ...]:
    adjacency = Adjacency.from_edges(torch.tensor(edges, dtype=torch.int64).reshape(-1, 2).T, SIZE)
    return adjacency.row_pointer.numpy(), adjacency.column.numpy(), NOTHING, UNTOUCHED


def without(graph: tuple[np.ndarray, ...], every: int) -> tuple[tuple[np.ndarray, ...], set[tuple[int, int]]]:
    """Every so many-th edge is removed, in both directions."""
    pointer, column = graph[:2]
    row = np.repeat(np.arange(SIZE), np.diff(pointer))
    gone = {(u, v) for number, (u, v) in enumerate(zip(row, column, strict=True)) if u < v and number % every == 0}
    removed = [e for e, (u, v) in enumerate(zip(row, column, strict=True)) if (min(u, v), max(u, v)) in gone]
    touched = UNTOUCHED.copy()
    touched[[node for edge in gone for node in edge]] = True
    return (pointer, column, np.array(removed, dtype=np.int64), touched), gone


def spaced(items: list[int], limit: int | None) -> tuple[list[int], float]:
    """The kept items and the weight of each, as `neighbor_sampling.spaced_places` keeps them."""
    if limit is None or len(items) <= limit:
        return items, 1.0
    kept = [items[math.floor((number + 0.5) * len(items) / limit)] for number in range(limit)]
    return kept, len(items) / limit


def lists(result: tuple[np.ndarray, ...]) -> list[tuple[list[int], float]]:
    pointer, node, weight = result
    return [(node[a:b].tolist(), float(w)) for a, b, w in zip(pointer[:-1], pointer[1:], weight, strict=True)]


def same(found: list[tuple[list[int], float]], expected: list[tuple[list[int], float]]) -> None:
    for (nodes, weight), (wanted, wanted_weight) in zip(found, expected, strict=True):
        assert nodes == wanted
        assert not nodes or weight == pytest.approx(wanted_weight)


@pytest.mark.parametrize("limit", [None, 3])
@pytest.mark.parametrize("every", [2, 1000])
@given(edge_lists)
def test_common_lists_are_the_shorter_row_thinned_and_looked_up_in_the_other(
    every: int, limit: int | None, edges: list[tuple[int, int]]
) -> None:
    graph, gone = without(view(edges), every)
    near = neighbor_sets([edge for edge in edges if (min(edge), max(edge)) not in gone], SIZE)
    bound = NO_LIMIT if limit is None else limit
    found = kernels.common_lists(*graph, FIRST, SECOND, bound, EVENLY, 0.0, False)
    expected = []
    for i, j in zip(FIRST, SECOND, strict=True):
        short, long = (j, i) if len(near[j]) < len(near[i]) else (i, j)
        walked, weight = spaced(sorted(near[short]), limit)
        expected.append(([u for u in walked if u in near[long]], weight))
    same(lists(found), expected)
    swapped = kernels.common_lists(*graph, SECOND, FIRST, bound, EVENLY, 0.0, False)
    same(lists(swapped), lists(found))


@pytest.mark.parametrize(("limit", "keep"), [(None, None), (None, 2), (5, 2)])
@pytest.mark.parametrize("skip_other", [True, False])
@given(edge_lists)
def test_one_sided_lists_are_thinned_once_for_the_walk_and_once_for_what_is_kept(
    skip_other: bool, limit: int | None, keep: int | None, edges: list[tuple[int, int]]
) -> None:
    graph, gone = without(view(edges), 3)
    near = neighbor_sets([edge for edge in edges if (min(edge), max(edge)) not in gone], SIZE)
    bounds = [NO_LIMIT if bound is None else bound for bound in (limit, keep)]
    found = kernels.exclusive_lists(*graph, FIRST, SECOND, skip_other, *bounds, EVENLY, 0.0, False)
    expected = []
    for i, j in zip(FIRST, SECOND, strict=True):
        walked, first_weight = spaced(sorted(near[i]), limit)
        rest = [u for u in walked if u not in near[j] and not (skip_other and u == j)]
        kept, second_weight = spaced(rest, keep)
        expected.append((kept, first_weight * second_weight))
    same(lists(found), expected)


def hub_pair() -> list[tuple[int, int]]:
    """Nodes 0 and 1 share 2 to 7; 0 alone has 8, 9, 10."""
    return [(0, v) for v in range(2, 11)] + [(1, v) for v in range(2, 8)]


def test_thinned_overlaps_are_right_on_average() -> None:
    graph, pair = view(hub_pair()), (np.array([0]), np.array([1]))
    common, one_sided = np.zeros(SIZE), np.zeros(SIZE)
    draws = 4000
    for seed in range(1, draws + 1):
        chance = np.uint64(seed * 7919)
        _, node, weight = kernels.common_lists(*graph, *pair, 4, chance, 0.0, False)
        common[node] += weight[0] / draws
        _, node, weight = kernels.exclusive_lists(*graph, *pair, True, 6, 1, chance, 0.0, False)
        one_sided[node] += weight[0] / draws
    assert common == pytest.approx(np.array([0, 0] + [1] * 6 + [0] * 4), abs=0.1)
    assert one_sided == pytest.approx(np.array([0] * 8 + [1] * 3 + [0]), abs=0.15)


@pytest.mark.parametrize("symmetric", [False, True])
def test_dropped_entries_leave_overlaps_with_the_chance_of_edge_dropout(symmetric: bool) -> None:
    graph, pair = view(hub_pair()), (np.array([0]), np.array([1]))
    shared = exclusive = 0
    for seed in range(1, 1001):
        chance = np.uint64(seed * 7919)
        shared += kernels.common_lists(*graph, *pair, NO_LIMIT, chance, 0.25, symmetric)[1].size
        exclusive += kernels.exclusive_lists(*graph, *pair, True, NO_LIMIT, NO_LIMIT, chance, 0.25, symmetric)[1].size
    assert shared / 6000 == pytest.approx(0.75**2, abs=0.03)
    # 0's own three, and each of the six that are shared where 1's entry alone is dropped
    assert exclusive / 1000 == pytest.approx(3 * 0.75 + 6 * 0.75 * 0.25, abs=0.2)


@pytest.mark.parametrize("symmetric", [False, True])
def test_symmetric_dropout_takes_both_directions_of_an_edge_or_none(symmetric: bool) -> None:
    pairs = list(zip(FIRST.tolist(), SECOND.tolist(), strict=True))
    there, back = (
        [kernels.is_dropped(*ends, SIZE, 0.5, np.uint64(3), symmetric) for ends in directed]
        for directed in (pairs, [(j, i) for i, j in pairs])
    )
    assert (there == back) is symmetric
    assert 0.3 < np.mean(there) < 0.7


def test_no_pairs_and_no_edges_give_no_lists() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert kernels.common_lists(*view([(0, 1)]), none, none, 4, EVENLY, 0.0, False)[0].tolist() == [0]
    pointer, node, _ = kernels.exclusive_lists(*view([]), FIRST, SECOND, True, 4, 2, EVENLY, 0.0, False)
    assert (pointer == 0).all()
    assert node.size == 0
