"""The whole network: input stage, encoder and predictor, assembled from a ModelConfig."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from ncnc_core.adjacency import Adjacency
from ncnc_core.encoder import Encoder
from ncnc_core.errors import InvalidGraph
from ncnc_core.input_features import NUM_STRUCTURAL_FEATURES, structural_features
from ncnc_core.model_config import ModelConfig
from ncnc_core.ncn import GAE, NCN, NCN2, NCNDiff
from ncnc_core.ncnc import NCNC
from ncnc_core.pair_head import PairHead


@runtime_checkable  # beartype checks annotations against it in the tests
class Predictor(Protocol):
    """What scores pairs from node embeddings: node_levels once a graph, then any number of calls."""

    def node_levels(self, h: Tensor) -> list[Tensor]:
        """Return what every batch of this graph needs."""
        ...

    def __call__(self, levels: list[Tensor], adjacency: Adjacency, pairs: Tensor) -> Tensor:
        """Return the logits, [pairs]."""
        ...


class LinkNetwork(nn.Module):
    """Encoder and predictor over one graph's features; it holds weights and no graph."""

    def __init__(self, config: ModelConfig, *, num_features: int, num_ids: int = 0) -> None:
        super().__init__()
        if config.id_embedding and num_ids < 1:
            raise InvalidGraph(f"id_embedding needs num_ids >= 1, got {num_ids}. Give the number of known nodes.")
        self.config, self.num_features, self.num_ids = config, num_features, num_ids if config.id_embedding else 0
        wanted = config.structural_features
        self.uses_structure = not config.id_embedding and (num_features == 0 if wanted is None else wanted)
        width = num_features + (NUM_STRUCTURAL_FEATURES if self.uses_structure else 0)
        if width == 0 and not self.num_ids:
            raise InvalidGraph(
                "The graph has no features and structural_features is false. Set structural_features: true (or null), "
                "or give features."
            )
        self.encoder = _encoder(config, num_features=width, num_ids=self.num_ids)
        self.predictor: Predictor = _predictor(config)

    @property
    def num_parameters(self) -> int:
        """The number of trainable parameters."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)

    def encode(
        self, features: Float[Tensor, "nodes features"] | Int64[Tensor, " nodes"] | None, adjacency: Adjacency
    ) -> Float[Tensor, "nodes channels"]:
        """Return the node embeddings; structural features come from this very adjacency, so TLR holds for them too.

        With id_embedding, `features` are ids [nodes], or None for the nodes' own positions.
        """
        embeddings: Tensor = self.encoder(self._inputs(features, adjacency), adjacency)
        return embeddings

    def forward(
        self,
        features: Float[Tensor, "nodes features"] | Int64[Tensor, " nodes"] | None,
        adjacency: Adjacency,
        pairs: Int64[Tensor, "2 pairs"],
    ) -> Float[Tensor, " pairs"]:
        """Return the logits of the pairs in one piece; scoring.score_pairs does it in chunks."""
        levels = self.predictor.node_levels(self.encode(features, adjacency))
        logits: Tensor = self.predictor(levels, adjacency, pairs)
        return logits

    def _inputs(self, features: Tensor | None, adjacency: Adjacency) -> Tensor:
        if self.num_ids:
            return self._ids(features, adjacency)
        given = 0 if features is None else features.shape[1]
        if given != self.num_features:
            raise InvalidGraph(
                f"The model was built for {self.num_features} node features, but the graph has {given}. "
                "Give the graph the features the model was trained with, or train a new model."
            )
        if not self.uses_structure:
            return features  # type: ignore[return-value]  # num_features > 0 here: __init__ saw to it
        structure = structural_features(adjacency)
        return structure if features is None else torch.cat([features, structure], 1)

    def _ids(self, features: Tensor | None, adjacency: Adjacency) -> Tensor:
        ids = features
        if ids is None or ids.is_floating_point():  # an id embedding reads no features: the position is the id
            ids = torch.arange(adjacency.num_nodes, device=adjacency.column.device)
        if ids.numel() and int(ids.max()) >= self.num_ids:
            raise InvalidGraph(
                f"The model has an embedding for {self.num_ids} nodes, but the graph has node {int(ids.max())}. "
                "Train it again with the new nodes, or set id_embedding: false, which can score unseen nodes."
            )
        return ids


def _encoder(config: ModelConfig, *, num_features: int, num_ids: int) -> Encoder:
    return Encoder(
        num_features=num_features,
        num_ids=num_ids,
        kind=config.encoder,
        num_layers=config.num_layers,
        hidden_channels=config.hidden_channels,
        jumping_knowledge=config.jumping_knowledge,
        residual=config.residual,
        layer_norm=config.encoder_layer_norm,
        feature_dropout=config.feature_dropout,
        encoder_dropout=config.encoder_dropout,
        output_dropout=config.output_dropout,
        edge_dropout=config.encoder_edge_dropout,
    )


def _predictor(config: ModelConfig) -> Predictor:
    head = PairHead(
        channels=config.hidden_channels,
        dropout=config.predictor_dropout,
        layer_norm=config.predictor_layer_norm,
        neighbor_transform=config.neighbor_transform,
        neighbor_output_linear=config.neighbor_output_linear,
        two_layer_head=config.two_layer_head,
        beta=config.beta,
        extra_neighborhood=config.predictor in ("ncn2", "ncn_diff"),
    )
    as_published = config.score_known_edges_as_published
    match config.predictor:
        case "gae":
            return GAE(head=head)
        case "ncn":
            return NCN(head=head, edge_dropout=config.predictor_edge_dropout)
        case "ncn2":
            return NCN2(head=head, edge_dropout=config.predictor_edge_dropout)
        case "ncn_diff":
            return NCNDiff(
                head=head,
                edge_dropout=config.predictor_edge_dropout,
                score_known_edges_as_published=as_published,
            )
        case "ncnc":
            return NCNC(
                head=head,
                edge_dropout=config.predictor_edge_dropout,
                depth=config.completion_depth,
                scale=config.completion_scale,
                offset=config.completion_offset,
                prior=config.completion_prior,
                alpha=config.completion_alpha,
                max_neighbors=config.completion_max_neighbors,
                chunk=config.completion_chunk,
                score_known_edges_as_published=as_published,
                noisy_completion_as_published=config.noisy_completion_as_published,
            )
