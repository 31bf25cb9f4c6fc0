"""The layers with weights: GCN, GraphSAGE and GIN of PyTorch Geometric, over our propagation."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch_geometric.nn import GCNConv, GINConv, SAGEConv

from ncnc_core.networks.propagation import Propagation


# PyG's weights, initialisation and formula; only the sum over neighbours is ours, which PyG lacks in this form: it
# needs no sparse package, weights the survivors of edge dropout and the edges of SAGE and GIN too, and knows that the
# transpose of a symmetric graph is the graph. Forward and backward with 20,000 nodes, 400,000 entries, 64 channels on
# one core: 15 ms; with torch.sparse CSR 38 ms, with an edge index (gather and scatter) 295 ms.
class GCN(GCNConv):  # type: ignore[misc]  # PyG is untyped
    """y = S (W + I) S x Theta + b."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, normalize=False)  # the propagation normalises

    def propagate(self, edge_index: Propagation, **inputs: Any) -> Tensor:  # Any: as PyG hands them over
        """Spread the transformed nodes."""
        return edge_index.normalized(inputs["x"])


class SAGE(SAGEConv):  # type: ignore[misc]  # PyG is untyped
    """y = (mean of x over the neighbours) Theta_1 + x Theta_2 + b."""

    def forward(self, x: Tensor, edge_index: Propagation) -> Tensor:
        """Give PyG what it reads of the neighbours, and of the nodes themselves: fewer, on a sampled batch."""
        result: Tensor = super().forward((x, edge_index.own(x)), edge_index)
        return result

    def propagate(self, edge_index: Propagation, **inputs: Any) -> Tensor:  # Any: as PyG hands them over
        """Average the neighbours."""
        return edge_index.mean(inputs["x"][0])


class GIN(GINConv):  # type: ignore[misc]  # PyG is untyped
    """y = MLP(x + sum of x over the neighbours), the MLP of two Linears."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        mlp = nn.Sequential(nn.Linear(in_channels, out_channels), nn.ReLU(), nn.Linear(out_channels, out_channels))
        super().__init__(mlp)

    def forward(self, x: Tensor, edge_index: Propagation) -> Tensor:
        """Give PyG what it reads of the neighbours, and of the nodes themselves: fewer, on a sampled batch."""
        result: Tensor = super().forward((x, edge_index.own(x)), edge_index)
        return result

    def propagate(self, edge_index: Propagation, **inputs: Any) -> Tensor:  # Any: as PyG hands them over
        """Add the neighbours up."""
        return edge_index.total(inputs["x"][0])
