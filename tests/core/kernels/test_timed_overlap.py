from __future__ import annotations

import numpy as np
import pytest
import torch

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.kernels.overlap import GALLOP
from ncnc_core.kernels.overlap_reference import neighbor_sets
from ncnc_core.kernels.timed_overlap import list_timed_common
from ncnc_core.kernels.timed_overlap_reference import timed_overlap_reference

SCALES = torch.tensor([0.05, 0.25, 1.0, 4.0])


def compare(edges: torch.Tensor, nodes: int, pairs: torch.Tensor, age_of: torch.Tensor) -> np.ndarray:
    """Run the loop and its twin on the graph, each edge as old as `age_of` says of its ends; return the loop's sums."""
    graph = Adjacency.from_edges(edges, nodes)
    age = (age_of[graph.row] + age_of[graph.column]).unsqueeze(1)  # the same in both directions
    decay = torch.exp(-age / SCALES)
    strength = torch.segment_reduce(decay, "sum", offsets=graph.row_pointer, initial=0)
    weight = torch.stack([torch.ones(nodes), 1 / graph.degree.clamp(min=1)], 1).double()
    pointer, room = np.empty(pairs.shape[1] + 1, np.int64), int(graph.degree[pairs].amin(0).sum())
    found, product = np.empty(room, np.int64), np.empty((room, 4), np.float32)
    sums = np.empty((pairs.shape[1], 14))
    arrays = [one.numpy() for one in (graph.row_pointer, graph.column, decay, strength, weight, *pairs)]
    count = list_timed_common(*arrays, pointer, found, product, sums)
    keys = zip(graph.row.tolist(), graph.column.tolist(), strict=True)
    by_edge = dict(zip(keys, decay.tolist(), strict=True))
    neighbors = neighbor_sets([(u, v) for u, v in edges.T.tolist()], nodes)
    for row, (i, j) in enumerate(pairs.T.tolist()):
        twin = timed_overlap_reference(neighbors, by_edge, strength.tolist(), weight.tolist(), (i, j))
        part = slice(pointer[row], pointer[row + 1])
        assert found[part].tolist() == twin.nodes
        np.testing.assert_allclose(product[part], np.array(twin.products).reshape(-1, 4), rtol=1e-6, atol=1e-40)
        np.testing.assert_allclose(sums[row], twin.sums, rtol=1e-5, atol=1e-40)
    assert pointer[-1] == count
    return sums


@pytest.mark.parametrize("seed", range(5))
def test_random_graphs_with_empty_rows_give_what_the_twin_gives(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    edges = torch.randint(25, (2, 30 * seed), generator=generator)  # of 30 nodes: the last five have none
    pairs = torch.randint(30, (2, 60), generator=generator)
    compare(edges, 30, pairs, torch.rand(30, generator=generator) * 0.5)


@pytest.mark.parametrize("turned", [False, True])
def test_a_hub_that_is_jumped_through_gives_what_the_twin_gives(turned: bool) -> None:
    many = 4 * GALLOP + 10
    nodes = many + 3
    hub = torch.stack([torch.full((many,), nodes - 1), torch.arange(many)])
    few = torch.tensor([[nodes - 2] * 3, [0, 17, many - 1]])
    pairs = torch.tensor([[nodes - 1, nodes - 1, 5], [nodes - 2, 3, 17]])
    ages = torch.rand(nodes, generator=torch.Generator().manual_seed(0))
    sums = compare(torch.cat([hub, few], 1), nodes, pairs.flip(0) if turned else pairs, ages)
    assert sums[:, 0].tolist() == [3, 0, 1]


def test_edges_so_old_that_nothing_is_left_of_them_add_nothing_and_divide_by_nothing() -> None:
    edges = torch.tensor([[0, 0, 1, 1], [2, 3, 2, 3]])
    sums = compare(edges, 4, torch.tensor([[0], [1]]), torch.tensor([0.0, 0.0, 5000.0, 0.0]))
    assert np.isfinite(sums).all()
    assert sums[0, 2:].tolist() == [1.0] * 4 + [0.5] * 4 + [1.0] * 4  # by node 3 alone; node 2 has no strength left
