from __future__ import annotations

from typing import Any

import pytest
import torch
from torch_geometric.nn import GCNConv

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.encoder import Encoder

EDGES = torch.tensor([[0, 0, 1, 2, 3, 1], [1, 2, 2, 3, 4, 4]])
GRAPH = Adjacency.from_edges(EDGES, 7)  # nodes 5 and 6 are isolated
DENSE = torch.zeros(7, 7).index_put((GRAPH.row, GRAPH.column), torch.tensor(1.0))
X = torch.rand(7, 4, generator=torch.Generator().manual_seed(0))


def encoder(**changes: Any) -> Encoder:
    options: dict[str, Any] = {
        "num_features": 4,
        "num_ids": 0,
        "kind": "puregcn",
        "num_layers": 1,
        "hidden_channels": 4,
        "jumping_knowledge": False,
        "residual": False,
        "layer_norm": False,
        "feature_dropout": 0.0,
        "encoder_dropout": 0.0,
        "output_dropout": 0.0,
        "edge_dropout": 0.0,
    }
    torch.manual_seed(0)
    return Encoder(**{**options, **changes})


# the formula of each kind, on the dense matrix
@pytest.mark.parametrize(
    ("kind", "matrix"),
    [
        ("puresum", DENSE),
        ("puremean", DENSE / DENSE.sum(1, keepdim=True).clamp(min=1)),
        ("puregcn", (DENSE + torch.eye(7)) / ((1 + DENSE.sum(1))[:, None] * (1 + DENSE.sum(1))).sqrt()),
    ],
)
def test_pure_layer_is_its_formula(kind: str, matrix: torch.Tensor) -> None:
    layer = encoder(kind=kind)
    torch.testing.assert_close(layer(X, GRAPH), matrix @ layer.input.linear(X))


def test_gcn_layer_equals_the_one_of_torch_geometric() -> None:
    ours = encoder(kind="gcn", num_layers=2)  # the last of several layers has no activation
    theirs = [GCNConv(4, 4), GCNConv(4, 4)]
    for transform, conv in zip(ours.convolutions, theirs, strict=True):
        conv.lin.weight.data.copy_(transform.lin.weight)
        transform.bias.data.normal_()
        conv.bias.data.copy_(transform.bias)
    edge_index = torch.stack([GRAPH.row, GRAPH.column])
    expected = theirs[1](theirs[0](X, edge_index).relu(), edge_index)
    torch.testing.assert_close(ours(X, GRAPH), expected)


def test_single_gcn_layer_is_activated_as_published() -> None:
    assert bool((encoder(kind="gcn")(X, GRAPH) >= 0).all())


def test_residual_adds_the_input_where_widths_are_equal_and_nothing_where_not() -> None:
    for features in (4, 3):
        plain, residual = (
            encoder(kind="gcn", num_features=features),
            encoder(kind="gcn", num_features=features, residual=True),
        )
        x = X[:, :features]
        torch.testing.assert_close(residual(x, GRAPH), plain(x, GRAPH) + (x if features == 4 else 0))


def test_jumping_knowledge_is_the_weighted_sum_of_the_layers() -> None:
    layered = encoder(num_layers=2, jumping_knowledge=True)
    first = encoder(num_layers=1)
    second = encoder(num_layers=2)
    for other in (first, second):
        other.input.load_state_dict(layered.input.state_dict())
    a, b = layered.layer_weights
    torch.testing.assert_close(layered(X, GRAPH), a * first(X, GRAPH) + b * second(X, GRAPH))


@pytest.mark.parametrize("kind", ["puregcn", "puresum", "puremean", "gcn", "sage", "gin", "none"])
def test_relabelled_nodes_get_the_same_embeddings(kind: str) -> None:
    layer = encoder(kind=kind, num_layers=2, jumping_knowledge=True)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(1))
    relabelled = Adjacency.from_edges(order[EDGES], 7)
    moved = torch.empty_like(X)
    moved[order] = X
    torch.testing.assert_close(layer(moved, relabelled)[order], layer(X, GRAPH))


def test_surviving_edges_weigh_more_so_that_the_mean_stays() -> None:
    layer = encoder(kind="puresum", edge_dropout=0.5).train()
    torch.manual_seed(0)
    mean = torch.stack([layer(X, GRAPH) for _ in range(600)]).mean(0)
    torch.testing.assert_close(mean, layer.eval()(X, GRAPH), rtol=0.2, atol=0.05)


def test_published_no_ops_change_nothing() -> None:
    plain = encoder(num_layers=2)
    torch.testing.assert_close(encoder(num_layers=2, layer_norm=True)(X, GRAPH), plain(X, GRAPH))
    gcn = encoder(kind="gcn", output_dropout=0.9).train()
    torch.testing.assert_close(gcn(X, GRAPH), encoder(kind="gcn")(X, GRAPH))


def test_no_layers_is_what_encoder_none_has_whatever_their_number() -> None:
    layer = encoder(kind="none", num_layers=3, jumping_knowledge=True)
    torch.testing.assert_close(layer(X, GRAPH), layer.input.linear(X))


def dense_convolution(layer: Any, x: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """One layer as its formula on the dense matrix W: the oracle of every kind."""
    row_sum = matrix.sum(1)
    s = torch.diag((1 + row_sum).rsqrt())
    normalized = s @ (matrix + torch.eye(7)) @ s
    mean = matrix / torch.where(row_sum > 0, row_sum, 1)[:, None]
    match type(layer).__name__:
        case "PureConvolution":
            return {"puregcn": normalized, "puresum": matrix, "puremean": mean}[layer.kind] @ x
        case "GCN":
            return normalized @ x @ layer.lin.weight.T + layer.bias
        case "SAGE":
            return mean @ x @ layer.lin_l.weight.T + layer.lin_l.bias + x @ layer.lin_r.weight.T
    return layer.nn(x + matrix @ x)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["puregcn", "puresum", "puremean", "gcn", "sage", "gin"])
def test_encoder_is_its_formula_on_the_dense_weighted_matrix_with_gradients(kind: str, weighted: bool) -> None:
    graph = Adjacency.from_edges(EDGES, 7, torch.tensor([0.5, 2.0, 0.0, 1.5, 3.0, 0.25])) if weighted else GRAPH
    value = graph.weight if weighted else torch.ones(graph.column.numel())
    matrix = torch.zeros(7, 7).index_put((graph.row, graph.column), value)
    layered = encoder(kind=kind, num_layers=2, layer_norm=True, residual=True, edge_weights=weighted)
    results = []
    for dense in (False, True):
        x = X.clone().requires_grad_()
        if dense:
            y = x if layered.input.linear is None else layered.input.linear(x)
            for convolution, after in zip(layered.convolutions, layered.after, strict=True):
                y = y + after(dense_convolution(convolution, y, matrix))
        else:
            y = layered(x, graph)
        layered.zero_grad()
        y.square().sum().backward()
        results.append([y, x.grad, *(parameter.grad.clone() for parameter in layered.parameters())])
    for ours, expected in zip(*results, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)


def test_weights_of_a_graph_are_not_looked_at_unless_asked_for() -> None:
    weighted = Adjacency.from_edges(EDGES, 7, torch.rand(6))
    assert torch.equal(encoder()(X, weighted), encoder()(X, GRAPH))


def test_weights_that_are_missing_or_negative_are_refused_with_the_remedy() -> None:
    with pytest.raises(InvalidGraph, match=r"graph has no weights.*set edge_weights: false"):
        encoder(edge_weights=True)(X, GRAPH)
    with pytest.raises(InvalidGraph, match=r"0 and more, got -2\.0.*Shift or clip"):
        encoder(edge_weights=True)(X, Adjacency.from_edges(EDGES, 7, torch.tensor([1.0, -2.0, 1.0, 1.0, 1.0, 1.0])))


@pytest.mark.parametrize("seed", range(3))
def test_one_layer_with_jumping_knowledge_starts_as_the_layer_itself(seed: int) -> None:
    torch.manual_seed(seed)
    weights = encoder(num_layers=1, jumping_knowledge=True).layer_weights
    assert weights is not None
    assert weights.tolist() == [1.0]
