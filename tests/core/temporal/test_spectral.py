from __future__ import annotations

import pytest
import torch

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.temporal.spectral import RANK, spectral_rows
from tests.fixtures.evolving_graphs import pairs_of, random_history


def positive_part(graph: Adjacency, weight: torch.Tensor | None = None) -> torch.Tensor:
    """The twin: S of the whole matrix without its negative eigenvalues."""
    dense = torch.zeros(graph.num_nodes, graph.num_nodes, dtype=torch.float64)
    dense[graph.row, graph.column] = 1.0 if weight is None else weight.double()
    scale = (1 + dense.sum(1)).rsqrt()
    values, vectors = torch.linalg.eigh(scale[:, None] * dense * scale)
    return vectors @ torch.diag(values.clamp(min=0)) @ vectors.T


@pytest.mark.parametrize("weighted", [False, True])
def test_products_of_rows_are_the_normalised_matrix_at_that_rank(weighted: bool) -> None:
    graph = random_history(0).graph_at(99)
    weight = torch.rand(30, generator=torch.Generator().manual_seed(0)) if weighted else None
    entry = None if weight is None else weight[graph.row] * weight[graph.column]
    rows = spectral_rows(graph, entry)
    torch.testing.assert_close((rows @ rows.T).double(), positive_part(graph, entry), atol=1e-5, rtol=0)


def test_a_graph_of_more_nodes_than_the_rank_keeps_what_is_largest() -> None:
    """Forty triangles with a hub: of many equal eigenvalues any may be kept, the hub's is among them."""
    corners = torch.arange(120)
    ring = torch.stack([corners, corners - corners % 3 + (corners + 1) % 3])
    hub = torch.stack([torch.full((120,), 120), corners])
    rows = spectral_rows(Adjacency.from_edges(torch.cat([ring, hub], 1), 121))
    assert rows.shape == (121, RANK)
    assert torch.isfinite(rows).all()
    largest = torch.linalg.svdvals(rows)[0].square()
    dense = positive_part(Adjacency.from_edges(torch.cat([ring, hub], 1), 121))
    assert float(largest) == pytest.approx(float(torch.linalg.eigvalsh(dense)[-1]), rel=1e-4)


def test_nodes_that_have_not_come_yet_change_no_bit() -> None:
    history = random_history(3, nodes=80, count=300)
    graph = history.graph_at(99)
    seen = graph.degree.nonzero().flatten()
    place = torch.empty(80, dtype=torch.int64)
    place[seen] = torch.arange(len(seen))
    alone = spectral_rows(Adjacency.from_edges(place[graph.edges()], len(seen)))
    among = spectral_rows(Adjacency.from_edges(graph.edges(), 1000))
    assert torch.equal(among[seen], alone)
    assert among.norm(dim=1).count_nonzero() == len(seen)


def test_a_node_without_an_edge_lies_nowhere() -> None:
    """In a graph of more nodes than vectors, where a random start of the node would be left over."""
    graph = random_history(3, nodes=200, count=600).graph_at(20)
    unseen = graph.degree == 0
    assert int(unseen.sum()) > 20
    assert spectral_rows(graph)[unseen].eq(0).all()


def test_the_numbers_of_the_nodes_change_no_product_where_all_eigenvectors_have_a_place() -> None:
    graph = random_history(1).graph_at(99)
    order = torch.randperm(30, generator=torch.Generator().manual_seed(0))
    rows, renamed = spectral_rows(graph), spectral_rows(Adjacency.from_edges(order[graph.edges()], 30))
    pairs = pairs_of(30, 50)
    products = (rows[pairs[0]] * rows[pairs[1]]).sum(1)
    others = (renamed[order[pairs[0]]] * renamed[order[pairs[1]]]).sum(1)
    torch.testing.assert_close(products, others, atol=1e-5, rtol=0)


def test_a_graph_without_edges_has_no_directions() -> None:
    assert spectral_rows(Adjacency.from_edges(torch.zeros(2, 0, dtype=torch.int64), 4)).eq(0).all()
