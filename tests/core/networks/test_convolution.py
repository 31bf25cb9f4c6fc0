from __future__ import annotations

import pytest
import torch
from torch_geometric.nn import GCNConv, GINConv, SAGEConv

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.convolution import GCN, GIN, SAGE
from ncnc_core.networks.propagation import Propagation

GRAPH = Adjacency.from_edges(torch.tensor([[0, 0, 1, 2, 3, 1], [1, 2, 2, 3, 4, 4]]), 7)  # 5 and 6 are isolated
EDGE_INDEX = torch.stack([GRAPH.row, GRAPH.column])


@pytest.mark.parametrize("kind", ["gcn", "sage", "gin"])
def test_layer_is_the_one_of_torch_geometric_with_its_weights_and_gradients(kind: str) -> None:
    torch.manual_seed(0)
    ours = {"gcn": GCN, "sage": SAGE, "gin": GIN}[kind](4, 3)
    theirs = GINConv(GIN(4, 3).nn) if kind == "gin" else {"gcn": GCNConv, "sage": SAGEConv}[kind](4, 3)
    theirs.load_state_dict(ours.state_dict())
    results = []
    for layer, graph in ((ours, Propagation(GRAPH)), (theirs, EDGE_INDEX)):
        x = torch.rand(7, 4, generator=torch.Generator().manual_seed(1), requires_grad=True)
        y = layer(x, graph)
        (y**2).sum().backward()
        results.append([y, x.grad, *(parameter.grad for parameter in layer.parameters())])
    for mine, expected in zip(*results, strict=True):
        torch.testing.assert_close(mine, expected)
