"""Node embeddings from features and message edges: the pure (weightless) encoders and GCN."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from ncnc_core.adjacency import Adjacency
from ncnc_core.edge_dropout import drop_edges
from ncnc_core.model_config import EncoderName
from ncnc_core.ragged_sum import ragged_sum


class Encoder(nn.Module):
    """Embed every node: input stage, then layers of propagation, each on a fresh draw of edge dropout.

    The published flags that do nothing are kept doing nothing: layer norm and encoder dropout between pure layers,
    output dropout after GCN layers, the residual where widths differ, feature dropout before an id embedding.
    """

    def __init__(
        self,
        *,
        num_features: int,
        num_ids: int,
        kind: EncoderName,
        num_layers: int,
        hidden_channels: int,
        jumping_knowledge: bool,
        residual: bool,
        layer_norm: bool,
        feature_dropout: float,
        encoder_dropout: float,
        output_dropout: float,
        edge_dropout: float,
    ) -> None:
        super().__init__()
        is_pure = kind != "gcn"
        self.kind, self.residual, self.edge_dropout = kind, residual, edge_dropout
        self.embedding = nn.Embedding(num_ids, hidden_channels) if num_ids else None
        if num_ids:
            self.input = nn.Sequential(nn.Dropout(encoder_dropout))
            width = hidden_channels
        elif is_pure or num_layers == 0:
            linear = nn.Linear(num_features, hidden_channels)
            self.input = nn.Sequential(nn.Dropout(feature_dropout), linear, nn.Dropout(encoder_dropout))
            width = hidden_channels
        else:
            self.input = nn.Sequential(nn.Dropout(feature_dropout))
            width = num_features
        self.transforms = nn.ModuleList()
        self.after = nn.ModuleList()
        for layer in range(num_layers):
            is_last = layer == num_layers - 1
            self.transforms.append(nn.Identity() if is_pure else GCNTransform(width, hidden_channels))
            if is_pure:
                self.after.append(nn.Dropout(output_dropout) if is_last else nn.Identity())
            elif is_last and num_layers > 1:
                self.after.append(nn.Identity())
            else:
                norm = nn.LayerNorm(hidden_channels) if layer_norm else nn.Identity()
                self.after.append(nn.Sequential(norm, nn.Dropout(encoder_dropout), nn.ReLU()))
            width = hidden_channels
        self.layer_weights = nn.Parameter(torch.empty(num_layers)) if jumping_knowledge and num_layers else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise what torch does not: orthogonal embeddings, and N(0, 1) weights of the layers, as published."""
        if self.embedding is not None:
            nn.init.orthogonal_(self.embedding.weight)
        if self.layer_weights is not None:
            nn.init.normal_(self.layer_weights)

    def forward(
        self, inputs: Float[Tensor, "nodes features"] | Int64[Tensor, " nodes"], adjacency: Adjacency
    ) -> Float[Tensor, "nodes channels"]:
        """Return h = Enc(x, A), or the weighted sum of all layers with jumping knowledge."""
        x: Tensor = self.input(inputs if self.embedding is None else self.embedding(inputs))
        layers = []
        for transform, after in zip(self.transforms, self.after, strict=True):
            y = after(self._propagate(transform, x, adjacency))
            x = x + y if self.residual and x.shape == y.shape else y
            layers.append(x)
        if self.layer_weights is None:
            return x
        return torch.einsum("l,lnc->nc", self.layer_weights, torch.stack(layers))

    def _propagate(self, transform: nn.Module, x: Tensor, adjacency: Adjacency) -> Tensor:
        kept, survivor_weight = drop_edges(adjacency, self.edge_dropout, self.training)
        if self.kind in ("puresum", "puremean"):
            total = survivor_weight * neighbor_sum(kept, x)
            return total if self.kind == "puresum" else total / kept.degree.clamp(min=1).unsqueeze(-1)
        x = transform.linear(x) if isinstance(transform, GCNTransform) else x
        # y = S (W + I) S x with S = (1 + D)^-1/2: puregcn and GCN share it.
        s = (1 + survivor_weight * kept.degree).rsqrt().to(x.dtype).unsqueeze(-1)
        scaled = s * x
        y = s * (survivor_weight * neighbor_sum(kept, scaled) + scaled)
        return y + transform.bias if isinstance(transform, GCNTransform) else y


class GCNTransform(nn.Module):
    """The weights of one GCN layer: Theta, glorot, and a bias added after propagation."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(in_channels, out_channels, bias=False)
        self.bias = nn.Parameter(torch.zeros(out_channels))
        nn.init.xavier_uniform_(self.linear.weight)


def neighbor_sum(adjacency: Adjacency, x: Float[Tensor, "nodes channels"]) -> Float[Tensor, "nodes channels"]:
    """Return A x."""
    return ragged_sum(x, adjacency.row_pointer, adjacency.column, symmetric=adjacency.symmetric)
