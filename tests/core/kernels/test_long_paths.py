from __future__ import annotations

import numpy as np
import pytest
import torch

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.kernels import long_paths as kernels
from ncnc_core.kernels.long_paths import sum_long_paths
from ncnc_core.kernels.long_paths_reference import long_paths_reference
from ncnc_core.kernels.overlap_reference import neighbor_sets

NO_HUB = 10**6


def compare(edges: torch.Tensor, nodes: int, pairs: torch.Tensor, ages: torch.Tensor, hub: int = NO_HUB) -> np.ndarray:
    """Run the loop and its twin, plain and with each step weighed in its own way; return what the loop found."""
    graph = Adjacency.from_edges(edges, nodes)
    recent = torch.exp(-(ages[graph.row] + ages[graph.column])).double()
    one_way = recent * (graph.row < graph.column)
    plain, root = torch.ones_like(recent), graph.degree.double().clamp(min=1).rsqrt()
    weights = [torch.stack([plain, own], 1) for own in (recent, one_way, 2 * recent)]
    scales = [torch.stack([root, own], 1) for own in (1 / (1 + ages.double()), ages.double().cos().abs())]
    near, far = pairs
    order = near.argsort(stable=True)
    distinct, sizes = near[order].unique_consecutive(return_counts=True)
    group = torch.cat([torch.zeros(1, dtype=torch.int64), sizes.cumsum(0)])
    arrays = [one.numpy() for one in (graph.row_pointer, graph.column, *weights, *scales, distinct, group, far[order])]
    out = np.full((pairs.shape[1], 2), np.nan)
    middle = len(distinct) // 2
    sum_long_paths(*arrays, out, middle, len(distinct), hub)  # in two parts, the later one first
    sum_long_paths(*arrays, out, 0, middle, hub)
    neighbors = neighbor_sets([(u, v) for u, v in edges.T.tolist()], nodes)
    keys = list(zip(graph.row.tolist(), graph.column.tolist(), strict=True))
    for kind in range(2):
        by_edge = [dict(zip(keys, one[:, kind].tolist(), strict=True)) for one in weights]
        by_node = [one[:, kind].tolist() for one in scales]
        twin = [long_paths_reference(neighbors, by_edge, by_node, (i, j)) for i, j in pairs[:, order].T.tolist()]
        np.testing.assert_allclose(out[:, kind], twin, rtol=1e-12, atol=0)
    return out


@pytest.mark.parametrize("hub", [0, 2, 4, NO_HUB])
@pytest.mark.parametrize("seed", range(5))
def test_random_graphs_with_empty_rows_give_what_the_twin_gives(seed: int, hub: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    edges = torch.randint(18, (2, 15 * seed), generator=generator)  # of 22 nodes: the last four have none
    pairs = torch.randint(22, (2, 50), generator=generator)
    compare(edges, 22, pairs, torch.rand(22, generator=generator) * 3, hub)


def test_a_pair_has_the_same_sums_to_the_bit_whether_a_hub_is_walked_through_or_its_row_is_searched() -> None:
    generator = torch.Generator().manual_seed(0)
    leaves = torch.arange(2, 400)
    stars = torch.cat([torch.stack([torch.full_like(leaves, hub), leaves]) for hub in (0, 1)], 1)
    edges = torch.cat([stars, torch.randint(2, 400, (2, 300), generator=generator)], 1)
    ages = torch.rand(400, generator=generator)
    alone = torch.tensor([[5], [9]])  # few last steps: both rows are searched
    others = torch.cat([alone[1], leaves[20:]])
    many = torch.stack([torch.full_like(others, 5), others])
    searched, walked = (compare(edges, 400, pairs, ages, hub=100) for pairs in (alone, many))
    assert searched[0].tolist() == walked[0].tolist()
    np.testing.assert_allclose(searched[0], compare(edges, 400, alone, ages)[0], rtol=1e-12)  # in another order


@pytest.mark.parametrize("search", [0, 10**9])
def test_far_ends_with_many_neighbors_have_the_same_sums_to_the_bit_whichever_way_they_are_found(
    search: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = torch.Generator().manual_seed(0)
    leaves = torch.arange(1, 400)
    edges = torch.cat([torch.stack([torch.zeros_like(leaves), leaves]), torch.tensor([[400, 400, 401], [5, 7, 9]])], 1)
    pairs = torch.tensor([[400, 401, 400, 401], [0, 0, 5, 7]])
    ages = torch.rand(402, generator=generator)
    found = compare(edges, 402, pairs, ages)
    monkeypatch.setattr(kernels, "SEARCH", search)  # read where the loop is not compiled
    monkeypatch.setattr(f"{__name__}.sum_long_paths", sum_long_paths.py_func)
    assert found.tolist() == compare(edges, 402, pairs, ages).tolist()


def test_a_hub_is_walked_through_and_walked_from() -> None:
    hub = torch.stack([torch.zeros(60, dtype=torch.int64), torch.arange(1, 61)])
    tail = torch.tensor([[1, 61], [61, 62]])
    pairs = torch.tensor([[0, 62, 2, 63], [62, 0, 61, 0]])
    out = compare(torch.cat([hub, tail], 1), 64, pairs, torch.rand(64, generator=torch.Generator().manual_seed(0)))
    assert (out[:, 0] > 0).tolist() == [True, True, True, False]  # in the order of the near ends 0, 2, 62, 63


def test_edges_so_old_that_nothing_is_left_of_them_make_no_path() -> None:
    edges = torch.tensor([[0, 1, 2], [1, 2, 3]])
    out = compare(edges, 4, torch.tensor([[0], [3]]), torch.tensor([0.0, 0.0, 800.0, 0.0]))
    assert out[0, 0] > 0
    assert out[0, 1] == 0
