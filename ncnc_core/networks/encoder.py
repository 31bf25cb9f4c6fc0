"""Node embeddings from features and message edges: the pure (weightless) encoders, and PyG's GCN, SAGE and GIN."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from ncnc_core.config.model import EncoderName
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.edge_dropout import drop_edges
from ncnc_core.graph.roles import MessageGraph
from ncnc_core.networks.dropout import Dropout
from ncnc_core.networks.input_stage import InputStage
from ncnc_core.networks.propagation import Propagation


class Encoder(nn.Module):
    """Embed every node: input stage, then layers of propagation, each on a fresh draw of edge dropout.

    The published flags that do nothing are kept doing nothing: layer norm and encoder dropout between pure layers,
    output dropout after layers with weights, the residual where widths differ, feature dropout before an embedding.
    SAGE and GIN get the input Linear of the pure encoders: they propagate before they transform, and 1433 features
    would be carried along every edge. GCN transforms first, and as published has none.
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
        symmetric_edge_dropout: bool = False,
        edge_weights: bool = False,
    ) -> None:
        super().__init__()
        num_layers = 0 if kind == "none" else num_layers
        self.residual, self.edge_dropout = residual, edge_dropout
        self.symmetric_edge_dropout, self.edge_weights = symmetric_edge_dropout, edge_weights
        self.input = InputStage(
            num_features=num_features,
            num_ids=num_ids,
            channels=hidden_channels,
            project=kind != "gcn" or num_layers == 0,
            feature_dropout=feature_dropout,
            dropout=encoder_dropout,
        )
        widths = [self.input.width] + [hidden_channels] * num_layers
        self.convolutions = nn.ModuleList(
            _convolution(kind, widths[layer], hidden_channels) for layer in range(num_layers)
        )
        if kind.startswith("pure"):
            after = _after_pure_layers(num_layers, output_dropout)
        else:
            after = _after_layers_with_weights(num_layers, hidden_channels, layer_norm, encoder_dropout)
        self.after = nn.ModuleList(after)
        self.layer_weights = nn.Parameter(torch.empty(num_layers)) if jumping_knowledge and num_layers else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights of the layers from N(0, 1), as published; the parts initialise themselves.

        One layer starts with the weight 1: a draw near 0 would silence the encoder, and a negative one turn it round.
        """
        if self.layer_weights is not None and self.layer_weights.numel() == 1:
            nn.init.ones_(self.layer_weights)
        elif self.layer_weights is not None:
            nn.init.normal_(self.layer_weights)

    def forward(
        self,
        features: Float[Tensor, "nodes features"] | None,
        graph: MessageGraph,
        ids: Int64[Tensor, " nodes"] | None = None,
    ) -> Float[Tensor, "rows channels"]:
        """Return h = Enc(x, A), or the weighted sum of all layers with jumping knowledge.

        On a sampled batch, that of the nodes which the last layer has rows for.

        Raises:
            InvalidGraph: there are layers that take edge weights, and the graph has none or one below 0.
        """
        if self.edge_weights and self.convolutions:  # without layers nothing reads them, and a sample holds none
            _check_weights(graph)
        x: Tensor = self.input(features, ids, graph.num_nodes)
        return self.propagated(x, [partial(self._drawn, graph.layer(one)) for one in range(len(self.convolutions))])

    def propagated(
        self, x: Float[Tensor, "nodes width"], draws: Sequence[Callable[[], Propagation]]
    ) -> Float[Tensor, "rows channels"]:
        """Return h from the output of the input stage; each layer propagates on what its draw returns."""
        layers = []
        for convolution, after, draw in zip(self.convolutions, self.after, draws, strict=True):
            propagation = draw()
            own, y = propagation.own(x), after(convolution(x, propagation))
            x = own + y if self.residual and own.shape == y.shape else y
            layers.append(x)
        if self.layer_weights is None:
            return x
        # On a sampled batch each layer has fewer rows than the one before: those of the last are wanted.
        layers = [layer if layer.shape == x.shape else layer[: x.shape[0]] for layer in layers]
        return torch.einsum("l,lnc->nc", self.layer_weights, torch.stack(layers))

    def _drawn(self, graph: MessageGraph) -> Propagation:
        kept, survivor_weight = drop_edges(
            graph, self.edge_dropout, self.training, symmetric=self.symmetric_edge_dropout
        )
        return Propagation(kept, survivor_weight, self.edge_weights)


class PureConvolution(nn.Module):
    """Propagation without weights."""

    def __init__(self, kind: EncoderName) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: Tensor, propagation: Propagation) -> Tensor:
        """Return S (W + I) S x, W x or D^-1 W x, [nodes, channels]."""
        match self.kind:
            case "puregcn":
                return propagation.normalized(x)
            case "puresum":
                return propagation.total(x)
            case _:
                return propagation.mean(x)


def _check_weights(graph: MessageGraph) -> None:
    if graph.weight is None:
        raise InvalidGraph(
            "edge_weights is true, but the graph has no weights. Give one weight an edge, or set edge_weights: false."
        )
    if graph.weight.numel() and float(graph.weight.min()) < 0:
        raise InvalidGraph(
            f"The encoder takes edge weights of 0 and more, got {float(graph.weight.min())}: it divides by their "
            "sums. Shift or clip the weights, or set edge_weights: false."
        )


def _after_pure_layers(num_layers: int, dropout: float) -> list[nn.Module]:
    """Return what follows each layer: dropout after the last one alone."""
    return [Dropout(dropout) if layer == num_layers - 1 else nn.Identity() for layer in range(num_layers)]


def _after_layers_with_weights(num_layers: int, channels: int, layer_norm: bool, dropout: float) -> list[nn.Module]:
    """Return what follows each layer: a single layer is activated, the last of several is not, as published."""
    active = 1 if num_layers == 1 else max(num_layers - 1, 0)
    blocks: list[nn.Module] = [
        nn.Sequential(nn.LayerNorm(channels) if layer_norm else nn.Identity(), Dropout(dropout), nn.ReLU())
        for _ in range(active)
    ]
    return [*blocks, *(nn.Identity() for _ in range(num_layers - active))]


def _convolution(kind: EncoderName, in_channels: int, out_channels: int) -> nn.Module:
    if kind.startswith("pure"):
        return PureConvolution(kind)
    # PyG takes 1.7 s to import; a process that scores with a pure encoder does without.
    from ncnc_core.networks.convolution import GCN, GIN, SAGE

    layers: dict[str, type[nn.Module]] = {"gcn": GCN, "sage": SAGE, "gin": GIN}
    return layers[kind](in_channels, out_channels)
