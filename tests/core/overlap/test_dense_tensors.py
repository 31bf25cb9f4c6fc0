from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.kernels.overlap_reference import common_neighbors_reference, exclusive_neighbors_reference, neighbor_sets
from ncnc_core.overlap import dense_tensors as plain
from ncnc_core.overlap.dense import bit_rows

SIZE = 67
nodes = st.integers(0, SIZE - 1)
pair_lists = st.lists(st.tuples(nodes, nodes), max_size=60)


def as_tensor(pairs: list[tuple[int, int]]) -> torch.Tensor:
    return torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).T.contiguous()


@pytest.mark.parametrize("skip_other", [False, True])
@given(pair_lists, pair_lists)
def test_pool_is_the_weighted_sum_over_sets(
    skip_other: bool, edges: list[tuple[int, int]], pairs: list[tuple[int, int]]
) -> None:
    pairs = pairs + edges[:5]  # pairs that are edges complete themselves, unless left out
    near = neighbor_sets(edges, SIZE)
    bits = bit_rows(Adjacency.from_edges(as_tensor(edges), SIZE))
    values = torch.eye(SIZE, dtype=torch.float64)  # then the sum is the weights themselves
    belief = torch.rand(SIZE, SIZE, generator=torch.Generator().manual_seed(len(edges)), dtype=torch.float64)
    backwards = [(j, i) for i, j in pairs]
    expected = torch.zeros(len(pairs), SIZE, dtype=torch.float64)
    for row, common in enumerate(common_neighbors_reference(near, pairs)):
        expected[row, common] = 1
    assert torch.equal(plain.pool(values, bits, as_tensor(pairs), None, True), expected)
    for way in (pairs, backwards):
        for row, only in enumerate(exclusive_neighbors_reference(near, way, skip_other=skip_other)):
            expected[row, only] = belief[way[row][1], only]
    assert torch.equal(plain.pool(values, bits, as_tensor(pairs), belief, skip_other), expected)
    gradient = torch.rand(len(pairs), 3, dtype=torch.float64)
    spread = plain.spread(gradient, bits, as_tensor(pairs), belief, skip_other)
    torch.testing.assert_close(spread, expected.T @ gradient)


def test_chunks_of_masks_do_not_change_the_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(1)
    bits = bit_rows(Adjacency.from_edges(torch.randint(SIZE, (2, 400), generator=generator), SIZE))
    pairs, belief = torch.randint(SIZE, (2, 20), generator=generator), torch.rand(SIZE, SIZE, generator=generator)
    values, gradient = torch.eye(SIZE), torch.rand(20, 4, generator=generator)
    whole = [plain.pool(values, bits, pairs, belief, True), plain.spread(gradient, bits, pairs, belief, True)]
    links = plain.missing_links(bits, pairs, True)
    monkeypatch.setattr(plain, "PAIRS_AT_ONCE", 3)
    parts = [plain.pool(values, bits, pairs, belief, True), plain.spread(gradient, bits, pairs, belief, True)]
    torch.testing.assert_close(parts, whole)
    assert torch.equal(plain.missing_links(bits, pairs, True), links)


@pytest.mark.parametrize("skip_other", [False, True])
@given(pair_lists, pair_lists)
def test_missing_links_are_what_completion_asks_for_once_each(
    skip_other: bool, edges: list[tuple[int, int]], pairs: list[tuple[int, int]]
) -> None:
    pairs = pairs + edges[:5]
    near = neighbor_sets(edges, SIZE)
    asked = {
        (min(j, u), max(j, u))
        for way in (pairs, [(j, i) for i, j in pairs])
        for (_, j), only in zip(way, exclusive_neighbors_reference(near, way, skip_other=skip_other), strict=True)
        for u in only
    }
    bits = bit_rows(Adjacency.from_edges(as_tensor(edges), SIZE))
    links = plain.missing_links(bits, as_tensor(pairs), skip_other)
    assert [tuple(link) for link in links.T.tolist()] == sorted(asked)
