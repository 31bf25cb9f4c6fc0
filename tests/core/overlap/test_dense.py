from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ncnc_core.config.model import ModelConfig
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.edge_dropout import drop_edges
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.overlap import dense
from ncnc_core.overlap.dense import bit_rows, is_dense, pool_common, pool_completed
from ncnc_core.overlap.sampled import SampledOverlap

SIZE = 70
graphs = st.tuples(st.integers(0, 2**20), st.sampled_from([0, 1, 60, 900, 4000, SIZE * SIZE]))
ALL = torch.cartesian_prod(torch.arange(SIZE), torch.arange(SIZE)).T.contiguous()


def graph(seed: int, edges: int, *, dropped: bool = False) -> Adjacency:
    """From no edge to all: `edges` draws, or every pair at SIZE * SIZE; dropped: asymmetric, as edge dropout leaves."""
    torch.manual_seed(seed)
    drawn = ALL if edges == SIZE * SIZE else torch.randint(SIZE, (2, edges))
    return drop_edges(Adjacency.from_edges(drawn, SIZE), 0.3 if dropped else 0.0, True)[0]


def some_pairs(count: int) -> torch.Tensor:
    pairs = torch.randint(SIZE, (2, count))
    pairs[:, 0] = pairs[0, 0]  # one pair of a node with itself
    return pairs


def regular(nodes: int, degree: int) -> Adjacency:
    """A ring in which each node knows the degree / 2 next ones."""
    near = torch.arange(nodes)
    return Adjacency.from_edges(
        torch.cat([torch.stack([near, (near + k + 1) % nodes]) for k in range(degree // 2)], 1), nodes
    )


@pytest.mark.parametrize(
    ("nodes", "degree", "expected"),
    [
        (200, 32, True),
        (200, 30, False),  # short rows
        (9000, 36, True),  # 9000 / 256 = 35.2
        (9000, 34, False),  # rows of 9000 bits, mostly zeros
        (2**14, 64, True),
        (2**14 + 1, 66, False),  # too many nodes
    ],
)
def test_dense_form_is_for_few_nodes_with_many_neighbors(nodes: int, degree: int, expected: bool) -> None:
    assert is_dense(regular(nodes, degree)) is expected


def test_empty_graph_is_not_dense() -> None:
    assert not is_dense(Adjacency.from_edges(torch.empty(2, 0, dtype=torch.int64), 0))


def test_overlaps_that_were_drawn_ahead_are_not_dense() -> None:
    """Their degrees are those of the graph, but there are no rows to make bits of."""
    whole = regular(200, 40)
    assert is_dense(whole)
    assert not is_dense(SampledOverlap(whole.degree))


def test_bits_are_made_once_a_graph_and_follow_the_removal_of_edges() -> None:
    adjacency = graph(1, 900)
    assert bit_rows(adjacency) is bit_rows(adjacency)
    without = adjacency.without(adjacency.edges()[:, :300])
    assert torch.equal(bit_rows(without), bit_rows(Adjacency.from_edges(adjacency.edges()[:, 300:], SIZE)))


@pytest.mark.parametrize("dropped", [False, True])
@settings(max_examples=12)
@given(graphs)
def test_pooling_and_its_gradient_equal_those_of_the_lists(dropped: bool, drawn: tuple[int, int]) -> None:
    adjacency = graph(*drawn, dropped=dropped)
    pairs, belief = some_pairs(50), torch.rand(SIZE, SIZE)
    values, seen = torch.randn(SIZE, 6, requires_grad=True), torch.randn(50, 6)
    common = adjacency.common_neighbors(pairs)
    expected = common.sum_rows(values)
    check(pool_common(adjacency, pairs, values), expected, values, seen)
    for skip in (False, True):
        total = expected
        for node, other in ((pairs[0], pairs[1]), (pairs[1], pairs[0])):
            lists = adjacency.exclusive_neighbors(node, other, common, skip_other=skip)
            weights = belief[other[lists.owner], lists.node]
            total = total + type(lists)(lists.row_pointer, lists.node, weights).sum_rows(values)
        check(pool_completed(adjacency, pairs, values, belief, skip_other=skip), total, values, seen)


def check(found: torch.Tensor, expected: torch.Tensor, values: torch.Tensor, seen: torch.Tensor) -> None:
    # Up to 70 terms of size one in another order: 1e-5 of the sum of their magnitudes is generous.
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=2e-4)
    torch.testing.assert_close(
        torch.autograd.grad((found * seen).sum(), values, retain_graph=True)[0],
        torch.autograd.grad((expected * seen).sum(), values, retain_graph=True)[0],
        rtol=1e-5,
        atol=2e-4,
    )


@settings(max_examples=5)
@given(graphs)
def test_gradients_are_those_of_finite_differences(drawn: tuple[int, int]) -> None:
    adjacency = graph(*drawn, dropped=True)
    pairs, belief = some_pairs(4), torch.rand(SIZE, SIZE)
    values = torch.randn(SIZE, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: pool_common(adjacency, pairs, v), values)
    assert torch.autograd.gradcheck(lambda v: pool_completed(adjacency, pairs, v, belief, skip_other=True), values)


def test_sums_do_not_depend_on_threads_nor_on_the_batch() -> None:
    adjacency, values = graph(5, 900), torch.randn(SIZE, 64, requires_grad=True)
    pairs = some_pairs(700)
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            pooled = pool_common(adjacency, pairs, values)
            results.append((pooled, torch.autograd.grad(pooled.square().sum(), values)[0]))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])
    assert torch.equal(pool_common(adjacency, pairs[:, 300:301], values), results[0][0][300:301])


def test_values_of_half_precision_are_summed_in_float32() -> None:
    adjacency, pairs = graph(5, 4000), some_pairs(40)
    values = torch.randn(SIZE, 6).to(torch.bfloat16).requires_grad_()
    pooled = pool_common(adjacency, pairs, values)
    torch.testing.assert_close(pooled, pool_common(adjacency, pairs, values.detach().float()), rtol=0, atol=0)
    pooled.sum().backward()
    assert values.grad is not None
    assert values.grad.dtype == torch.bfloat16


def test_no_pairs_give_no_rows() -> None:
    values = torch.randn(SIZE, 3, requires_grad=True)
    pooled = pool_common(graph(5, 900), torch.empty(2, 0, dtype=torch.int64), values)
    assert pooled.shape == (0, 3)
    pooled.sum().backward()
    assert values.grad is not None
    assert not values.grad.any()


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_ncn_scores_alike_in_both_forms(dropout: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two sides of the dispatch, edge dropout (the same draw) and gradients included."""
    torch.manual_seed(2)
    config = ModelConfig(predictor="ncn", hidden_channels=16, predictor_edge_dropout=dropout, feature_dropout=0.2)
    network, x = LinkNetwork(config, num_features=3), torch.rand(SIZE, 3)
    adjacency, pairs = graph(5, 1600), some_pairs(60)
    assert is_dense(adjacency)
    results = []
    for most in (dense.MOST_NODES, 0):
        monkeypatch.setattr(dense, "MOST_NODES", most)
        torch.manual_seed(7)
        logits = network(x, adjacency, pairs)
        results.append((logits, torch.autograd.grad(logits.sum(), list(network.parameters()))))
    torch.testing.assert_close(results[0], results[1], rtol=1e-4, atol=1e-4)
