from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch

from ncnc_core.graph.adjacency import Adjacency, pair_keys
from ncnc_core.kernels.hard_candidates import allocate_from, hard_candidates, push_page_rank
from ncnc_core.kernels.hard_candidates_reference import (
    allocation_reference,
    hard_candidates_reference,
    page_rank_reference,
)

TELEPORT = 0.15


def star_of_cliques() -> torch.Tensor:
    """A hub joined to one node of each of eight cliques of five: many ties, and a row far longer than the others."""
    edges = [(0, 1 + 5 * clique) for clique in range(8)]
    for clique in range(8):
        first = 1 + 5 * clique
        edges += [(first + i, first + j) for i in range(5) for j in range(i)]
    return torch.tensor(edges).T


def heavy_tailed(seed: int) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    return (torch.rand(2, 400, generator=g).pow(3) * 90).long()


GRAPHS = {
    "random": (heavy_tailed(0), 100),  # the last ten nodes are isolated
    "another": (heavy_tailed(1), 90),
    "star of cliques": (star_of_cliques(), 41),
    "path": (torch.stack([torch.arange(9), torch.arange(1, 10)]), 10),
    "empty": (torch.zeros(2, 0, dtype=torch.int64), 5),
}


def rows_of(adjacency: Adjacency) -> list[list[int]]:
    return [row.tolist() for row in adjacency.column.split(adjacency.degree.tolist())]


def pushed(adjacency: Adjacency, source: int, epsilon: float) -> np.ndarray:
    size = adjacency.num_nodes
    page_rank, residual = np.zeros(size), np.zeros(size)
    queue, touched = np.empty(size, np.int64), np.empty(size, np.int64)
    waiting = np.zeros(size, dtype=np.bool_)
    graph = adjacency.row_pointer.numpy(), adjacency.column.numpy()
    count = push_page_rank(*graph, source, TELEPORT, epsilon, page_rank, residual, waiting, queue, touched)
    assert sorted(touched[:count].tolist()) == np.flatnonzero((page_rank > 0) | (residual > 0)).tolist()
    assert not waiting.any()
    assert page_rank.sum() + residual.sum() == pytest.approx(1)
    return page_rank


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("epsilon", [1e-2, 1e-4])
def test_push_is_that_of_its_plain_twin(name: str, epsilon: float) -> None:
    edges, num_nodes = GRAPHS[name]
    adjacency = Adjacency.from_edges(edges, num_nodes)
    for source in range(num_nodes):
        twin = page_rank_reference(rows_of(adjacency), source, teleport=TELEPORT, epsilon=epsilon)
        assert pushed(adjacency, source, epsilon).tolist() == [twin.get(node, 0.0) for node in range(num_nodes)]


@pytest.mark.parametrize("name", ["random", "star of cliques"])
def test_push_is_page_rank_but_for_epsilon_times_the_degree(name: str) -> None:
    edges, num_nodes = GRAPHS[name]
    adjacency = Adjacency.from_edges(edges, num_nodes)
    graph = nx.Graph(adjacency.edges().T.tolist())
    source = int(adjacency.degree.argmax())
    exact = nx.pagerank(graph, alpha=1 - TELEPORT, personalization={source: 1.0}, tol=1e-14, max_iter=1000)
    found = pushed(adjacency, source, 1e-4)
    for node, value in exact.items():
        assert -1e-12 < value - found[node] <= 1e-4 * int(adjacency.degree[node])


@pytest.mark.parametrize("name", GRAPHS)
def test_allocation_is_that_of_its_plain_twin(name: str) -> None:
    edges, num_nodes = GRAPHS[name]
    adjacency = Adjacency.from_edges(edges, num_nodes)
    for source in range(num_nodes):
        allocation, touched = np.zeros(num_nodes), np.empty(num_nodes, np.int64)
        count = allocate_from(adjacency.row_pointer.numpy(), adjacency.column.numpy(), source, allocation, touched)
        twin = allocation_reference(rows_of(adjacency), source)
        assert allocation.tolist() == [twin.get(node, 0.0) for node in range(num_nodes)]
        assert sorted(touched[:count].tolist()) == sorted(twin)


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("wanted", [1, 7, 60])
def test_candidates_are_those_of_the_plain_twin_and_no_edges(name: str, wanted: int) -> None:
    edges, num_nodes = GRAPHS[name]
    adjacency = Adjacency.from_edges(edges, num_nodes)
    # Edges that were once there are forbidden too, the last possible key among them.
    once = torch.tensor([[0, 2, num_nodes - 2], [3, 4, num_nodes - 1]])
    ever = torch.cat([adjacency.edges(), once], 1)
    keys = pair_keys(ever, num_nodes).unique()
    sources = torch.arange(num_nodes).flip(0)
    found = np.full((num_nodes, wanted), 77)
    hard_candidates(
        adjacency.row_pointer.numpy(), adjacency.column.numpy(), keys.numpy(), sources.numpy(),
        0, num_nodes, TELEPORT, 1e-3, np.uint64(5), found,
    )  # fmt: skip
    forbidden = {tuple(sorted(pair)) for pair in ever.T.tolist()}
    for row, source in enumerate(sources.tolist()):
        twin = hard_candidates_reference(
            rows_of(adjacency), source, forbidden, wanted, teleport=TELEPORT, epsilon=1e-3, seed=5
        )
        assert found[row].tolist() == twin + [-1] * (wanted - len(twin))


def test_only_the_rows_of_a_part_are_filled() -> None:
    adjacency = Adjacency.from_edges(star_of_cliques(), 41)
    found = np.full((3, 2), 77)
    none = np.zeros(0, np.int64)
    hard_candidates(
        adjacency.row_pointer.numpy(), adjacency.column.numpy(), none, np.array([1, 2, 3]),
        1, 2, TELEPORT, 1e-3, np.uint64(0), found,
    )  # fmt: skip
    assert (found[0] == 77).all()
    assert (found[2] == 77).all()
    assert (found[1] != 77).all()
