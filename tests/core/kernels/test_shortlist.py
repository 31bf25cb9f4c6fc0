from __future__ import annotations

import numpy as np
import pytest
import torch

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.kernels.shortlist import shortlists, step_on, take_best
from ncnc_core.kernels.shortlist_reference import shortlist_reference, step_reference


def star_of_cliques() -> torch.Tensor:
    """A hub joined to one node of each of eight cliques of five: many ties, and a row far longer than the others."""
    edges = [(0, 1 + 5 * clique) for clique in range(8)]
    for clique in range(8):
        first = 1 + 5 * clique
        edges += [(first + i, first + j) for i in range(5) for j in range(i)]
    return torch.tensor(edges).T


def heavy_tailed(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(2, 400, generator=generator).pow(3) * 90).long()


GRAPHS = {
    "random": (heavy_tailed(0), 100),  # the last ten nodes are isolated
    "another": (heavy_tailed(1), 90),
    "star of cliques": (star_of_cliques(), 41),
    "star": (
        torch.stack([torch.zeros(30, dtype=torch.int64), torch.arange(1, 31)]),
        31,
    ),  # all leaves alike
    "path": (torch.stack([torch.arange(9), torch.arange(1, 10)]), 10),
    "complete": (torch.combinations(torch.arange(7)).T, 7),  # nobody lacks a link
    "empty": (torch.zeros(2, 0, dtype=torch.int64), 5),
}


def rows_of(adjacency: Adjacency) -> list[list[int]]:
    return [row.tolist() for row in adjacency.column.split(adjacency.degree.tolist())]


def found_by_kernel(
    adjacency: Adjacency, near: np.ndarray, room: np.ndarray, least: float, exclude_known: bool
) -> list[list[int]]:
    size = adjacency.num_nodes
    busiest = np.argsort(-adjacency.degree.numpy(), kind="stable")
    busy_rank = np.argsort(busiest)
    place = np.concatenate([[0], np.cumsum(room)])
    found, filled = np.full(int(place[-1]), 77), np.full(size, -1)
    shortlists(
        adjacency.row_pointer.numpy(), adjacency.column.numpy(), busiest, busy_rank, np.arange(size),
        0, size, exclude_known, near, least, place, found, filled,
    )  # fmt: skip
    return [found[place[row] : place[row] + filled[row]].tolist() for row in range(size)]


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("exclude_known", [True, False])
@pytest.mark.parametrize(("least", "quota", "size"), [(1e-5, 0, 1), (1e-5, 2, 7), (0.02, 3, 10), (1e-5, 40, 200)])
def test_candidates_are_those_of_the_plain_twin(
    name: str, exclude_known: bool, least: float, quota: int, size: int
) -> None:
    edges, num_nodes = GRAPHS[name]
    adjacency = Adjacency.from_edges(edges, num_nodes)
    own = adjacency.degree.numpy()
    known = 0 if exclude_known else own
    near = quota + own  # a quota of its own for each
    room = np.minimum(size + 2 * near + known, num_nodes - 1 - (own if exclude_known else 0))
    near = np.minimum(near, (room - known) // 2)
    found = found_by_kernel(adjacency, near, room, least, exclude_known)
    for source, row in enumerate(found):
        twin = shortlist_reference(
            rows_of(adjacency), source, near=int(near[source]), room=int(room[source]),
            exclude_known=exclude_known, least=least,
        )  # fmt: skip
        assert row == twin, source


@pytest.mark.parametrize("name", GRAPHS)
def test_a_step_ends_where_that_of_the_plain_twin_does_and_walks_no_thin_edge(name: str) -> None:
    edges, num_nodes = GRAPHS[name]
    adjacency = Adjacency.from_edges(edges, num_nodes)
    rows = rows_of(adjacency)
    for source in range(num_nodes):
        held = {node: 1.0 / len(rows[source]) for node in rows[source]}
        old, new, touched = np.zeros(num_nodes), np.zeros(num_nodes), np.empty(num_nodes, np.int64)
        for node, value in held.items():
            old[node] = value
        count = step_on(
            adjacency.row_pointer.numpy(), adjacency.column.numpy(), source,
            np.array(rows[source], dtype=np.int64), len(held), 0.03, old, new, touched,
        )  # fmt: skip
        twin = step_reference(rows, source, held, 0.03)
        assert touched[:count].tolist() == list(twin)
        assert new[touched[:count]].tolist() == list(twin.values())
        assert new.sum() <= 1 + 1e-12


def test_the_best_are_taken_once_and_equal_ones_by_their_rank() -> None:
    value = np.array([0.5, 0.9, 0.5, 0.5, 0.1])
    rank, taken, heap = np.array([3, 4, 0, 1, 2]), np.zeros(5, dtype=np.bool_), np.empty(5, np.int64)
    taken[3] = True
    assert take_best(np.arange(5), 5, value, rank, taken, 2, heap) == 2
    assert sorted(heap[:2].tolist()) == [1, 2]
    assert taken.tolist() == [False, True, True, True, False]
    assert take_best(np.arange(5), 5, value, rank, taken, 0, heap) == 0


def test_only_the_rows_of_a_part_are_filled() -> None:
    adjacency = Adjacency.from_edges(star_of_cliques(), 41)
    busiest = np.argsort(-adjacency.degree.numpy(), kind="stable")
    found, filled = np.full(6, 77), np.full(3, -1)
    shortlists(
        adjacency.row_pointer.numpy(), adjacency.column.numpy(), busiest, np.argsort(busiest), np.array([1, 2, 3]),
        1, 2, True, np.array([1, 1, 1]), 1e-5, np.array([0, 2, 4, 6]), found, filled,
    )  # fmt: skip
    assert filled.tolist() == [-1, 2, -1]
    assert (found[[0, 1, 4, 5]] == 77).all()
