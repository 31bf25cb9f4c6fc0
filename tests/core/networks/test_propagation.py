from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.sampled_adjacency import SampledAdjacency
from ncnc_core.networks.propagation import Propagation

SIZE = 7
edge_lists = st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)), max_size=15, unique_by=frozenset)


def weighted_graph(edges: list[tuple[int, int]]) -> Adjacency:
    generator = torch.Generator().manual_seed(len(edges))
    weight = torch.rand(len(edges), generator=generator).mul_(3)  # sums below and above 1
    return Adjacency.from_edges(torch.tensor(edges, dtype=torch.int64).reshape(-1, 2).T, SIZE, weight)


def dense(graph: Adjacency, weighted: bool) -> torch.Tensor:
    value = graph.weight if weighted else torch.ones(graph.column.numel())
    return torch.zeros(SIZE, SIZE).index_put((graph.row, graph.column), value)


@settings(max_examples=25, deadline=None)
@given(edge_lists, st.booleans())
def test_every_form_is_its_product_of_dense_matrices_with_its_gradient(
    edges: list[tuple[int, int]], weighted: bool
) -> None:
    graph = weighted_graph(edges)
    matrix = 1.25 * dense(graph, weighted)
    x = torch.rand(SIZE, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    row_sum = matrix.sum(1)
    s = (1 + row_sum).rsqrt()
    divisor = torch.where(row_sum > 0, row_sum, 1)[:, None]
    propagation = Propagation(graph, 1.25, weighted)
    for ours, expected in (
        (propagation.total(x), matrix @ x),
        (propagation.mean(x), matrix @ x / divisor),
        (propagation.normalized(x), s[:, None] * ((matrix + torch.eye(SIZE)) @ (s[:, None] * x))),
    ):
        torch.testing.assert_close(ours, expected)
        probe = torch.linspace(-1, 1, SIZE * 3).view(SIZE, 3)
        (gradient,) = torch.autograd.grad((ours * probe).sum(), x)
        (wanted,) = torch.autograd.grad((expected * probe).sum(), x, retain_graph=True)
        torch.testing.assert_close(gradient, wanted)


def test_sum_over_a_graph_without_edges_is_nothing() -> None:
    empty = weighted_graph([])
    assert not empty.neighbor_sum(torch.ones(SIZE, 2), weighted=False).any()
    assert not Propagation(empty, weighted=True).mean(torch.ones(SIZE, 2)).any()


@settings(max_examples=25, deadline=None)
@given(edge_lists, st.booleans())
def test_sampled_rows_are_scaled_to_whole_ones_and_normalised_by_the_whole_graph(
    edges: list[tuple[int, int]], weighted: bool
) -> None:
    """The first three nodes' rows, each told that it is half of one twice as long; D comes along."""
    graph, rows = weighted_graph(edges), 3
    stop = int(graph.row_pointer[rows])
    total = dense(graph, weighted).sum(1)
    sampled = SampledAdjacency(
        graph.row_pointer[: rows + 1],
        graph.column[:stop],
        SIZE,
        weight=graph.weight[:stop] if graph.weight is not None else None,
        row_scale=torch.full((rows,), 2.0),
        full_degree=2 * graph.degree,
        full_weight=2 * dense(graph, True).sum(1),
    )
    x = torch.rand(SIZE, 3, generator=torch.Generator().manual_seed(0))
    matrix = 2 * dense(graph, weighted)
    s = (1 + 2 * total).rsqrt()[:, None]
    propagation = Propagation(sampled, 1.0, weighted)
    torch.testing.assert_close(propagation.own(x), x[:rows])
    torch.testing.assert_close(propagation.total(x), (matrix @ x)[:rows])
    torch.testing.assert_close(propagation.mean(x), (matrix @ x / torch.where(total > 0, 2 * total, 1)[:, None])[:rows])
    torch.testing.assert_close(propagation.normalized(x), (s * ((matrix + torch.eye(SIZE)) @ (s * x)))[:rows])
