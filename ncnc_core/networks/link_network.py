"""The whole network: input stage, encoder and predictor, assembled from a ModelConfig."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from ncnc_core.config.model import ModelConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.roles import MessageGraph, OverlapGraph
from ncnc_core.networks.encoder import Encoder
from ncnc_core.networks.ncn import GAE, NCN
from ncnc_core.networks.ncnc import NCNC, Scorer
from ncnc_core.networks.neighborhoods import OneSided, RoleLists, two_step
from ncnc_core.networks.pair_head import PairHead
from ncnc_core.networks.pair_structure import PairStructure
from ncnc_core.networks.standard_features import StandardFeatures, are_measurements
from ncnc_core.networks.structural_features import NUM_STRUCTURAL_FEATURES, structural_features


@runtime_checkable  # beartype checks annotations against it in the tests
class Predictor(Protocol):
    """What scores pairs from node embeddings: node_levels once a graph, then any number of calls."""

    def node_levels(self, h: Tensor) -> list[Tensor]:
        """Return what every batch of this graph needs."""

    def prepared(self, levels: list[Tensor], graph: OverlapGraph, pairs: Tensor) -> Scorer:
        """Return what scores these pairs in any number of calls, with what the calls have in common done once."""

    def expanded(self, graph: OverlapGraph, pairs: Tensor) -> Tensor:
        """Return how many neighbours scoring each pair holds at a time, [pairs]: at most."""

    def product_logits(self, products: Tensor, *pooled: Tensor) -> Tensor:
        """Return the logits, [pairs], from the products of the ends, [pairs, channels], and the pooled sums."""

    def pooled_values(self, levels: list[Tensor]) -> Tensor:
        """Return what each node adds to a pooled sum, [nodes, width]."""

    def pooled_lists(self, levels: list[Tensor], graph: OverlapGraph, pairs: Tensor) -> list[RoleLists]:
        """Return the nodes of each pooled sum, by role."""

    def __call__(self, levels: list[Tensor], graph: OverlapGraph, pairs: Tensor) -> Tensor:
        """Return the logits, [pairs]."""


class LinkNetwork(nn.Module):
    """Encoder and predictor over one graph's features; it holds weights and no graph."""

    def __init__(self, config: ModelConfig, *, num_features: int, num_ids: int = 0) -> None:
        super().__init__()
        embeds = config.node_embedding != "off"
        if embeds and num_ids < 1:
            raise InvalidGraph(f"A node embedding needs num_ids >= 1, got {num_ids}. Give the number of known nodes.")
        self.config, self.num_features, self.num_ids = config, num_features, num_ids if embeds else 0
        wanted = config.structural_features
        self.uses_structure = config.node_embedding != "only" and (num_features == 0 if wanted is None else wanted)
        width = num_features + (NUM_STRUCTURAL_FEATURES if self.uses_structure else 0)
        if width == 0 and not embeds:
            raise InvalidGraph(
                "The graph has no features and structural_features is false. Set structural_features: true (or null) "
                "or node_embedding: only, or give features."
            )
        reads_features = config.node_embedding != "only"
        standardized = config.standardize_features and reads_features and num_features > 0
        self.standard = StandardFeatures(num_features) if standardized else None
        self.encoder = _encoder(config, num_features=width if reads_features else 0, num_ids=self.num_ids)
        self.predictor: Predictor = _predictor(config)
        self.pair_structure = PairStructure() if config.pair_structure else None

    @classmethod
    def for_graph(cls, config: ModelConfig, features: Tensor | None, num_nodes: int) -> LinkNetwork:
        """Build the network that fits a graph's features: [nodes, features], integer ids [nodes], or none.

        A node embedding has one vector an id, or a node. Only measurements are standardised: see `are_measurements`.

        Raises:
            InvalidGraph: the features are ids and the model embeds none, or far too high for a table.
        """
        if config.standardize_features and not are_measurements(features):
            config = config.model_copy(update={"standardize_features": False})
        if features is None or not _are_ids(features):
            return cls(config, num_features=0 if features is None else features.shape[1], num_ids=num_nodes)
        if config.node_embedding == "off":
            raise InvalidGraph(
                f"The features are integer ids, shape {list(features.shape)}, and node_embedding is off. "
                "Set node_embedding: only (or added), or give real-valued features [nodes, features]."
            )
        require_narrow_table(features)
        return cls(config, num_features=0, num_ids=int(features.max()) + 1 if features.numel() else 1)

    @property
    def num_parameters(self) -> int:
        """The number of trainable parameters."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)

    def encode(
        self,
        features: Float[Tensor, "nodes features"] | Int64[Tensor, " nodes"] | None,
        graph: MessageGraph,
        *,
        ids: Int64[Tensor, " nodes"] | None = None,
    ) -> Float[Tensor, "rows channels"]:
        """Return the node embeddings.

        Structural features come from this very graph, so what was removed from it is not in them either.
        A node embedding is looked up by `ids`, else by integer `features`, else by the nodes' own positions; a node
        beyond the table has the zero vector.
        """
        if features is not None and _are_ids(features):
            features, ids = None, features if ids is None else ids
        embeddings: Tensor = self.encoder(self.inputs(features, graph), graph, ids if self.num_ids else None)
        return embeddings

    def node_levels(self, features: Tensor | None, adjacency: Adjacency) -> list[Tensor]:
        """Return what every batch on this graph needs: the embeddings and their transforms."""
        return self.predictor.node_levels(self.encode(features, adjacency))

    def forward(
        self,
        features: Float[Tensor, "nodes features"] | Int64[Tensor, " nodes"] | None,
        adjacency: Adjacency,
        pairs: Int64[Tensor, "2 pairs"],
    ) -> Float[Tensor, " pairs"]:
        """Return the logits of the pairs in one piece; scoring.score_pairs does it in chunks."""
        levels = self.node_levels(features, adjacency)
        return self.scorer(levels, adjacency, pairs)(levels, adjacency, pairs)

    def scorer(self, levels: list[Tensor], graph: OverlapGraph, pairs: Int64[Tensor, "2 pairs"]) -> Scorer:
        """Return what scores these pairs: a call is given levels, graph and some of them, and answers their logits."""
        content, structure = self.predictor.prepared(levels, graph, pairs), self.pair_structure
        if structure is None:
            return content
        return lambda levels, graph, pairs: content(levels, graph, pairs) + structure(graph, pairs)

    def expanded(self, graph: OverlapGraph, pairs: Int64[Tensor, "2 pairs"]) -> Int64[Tensor, " pairs"]:
        """Return how many neighbours scoring each pair holds at a time, at most: what a chunk of pairs is cut by."""
        return self.predictor.expanded(graph, pairs)

    def inputs(
        self, features: Float[Tensor, "nodes features"] | None, graph: MessageGraph
    ) -> Float[Tensor, "nodes inputs"] | None:
        """Return what the encoder's input stage reads.

        Raises:
            InvalidGraph: there are more or fewer features than the network was built for.
        """
        if self.config.node_embedding == "only":  # whatever features there are, it reads none
            return None
        given = 0 if features is None else features.shape[1]
        if given != self.num_features:
            raise InvalidGraph(
                f"The model was built for {self.num_features} node features, but the graph has {given}. "
                "Give the graph the features the model was trained with, or train a new model."
            )
        if self.standard is not None and features is not None:
            features = self.standard(features)
        if not self.uses_structure:
            return features
        structure = structural_features(graph)
        if features is None:
            return structure
        return torch.cat([features.to_dense() if features.layout == torch.sparse_csr else features, structure], 1)


def _are_ids(features: Tensor) -> bool:
    return features.dim() == 1 and not features.is_floating_point()


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
        symmetric_edge_dropout=config.symmetric_edge_dropout,
        edge_weights=config.edge_weights,
    )


def _head(config: ModelConfig) -> PairHead:
    return PairHead(
        channels=config.hidden_channels,
        dropout=config.predictor_dropout,
        layer_norm=config.predictor_layer_norm,
        neighbor_transform=config.neighbor_transform and config.predictor != "gae_cn",  # it pools a count, not nodes
        neighbor_output_linear=config.neighbor_output_linear,
        two_layer_head=config.two_layer_head,
        beta=config.beta,
        extra_neighborhood=config.predictor in ("ncn2", "ncn_diff"),
        pooled_channels=1 if config.predictor == "gae_cn" else None,
    )


def _predictor(config: ModelConfig) -> Predictor:
    head = _head(config)
    dropping: dict[str, Any] = {  # Any: each class checks its own
        "edge_dropout": config.predictor_edge_dropout,
        "symmetric_edge_dropout": config.symmetric_edge_dropout,
    }
    as_published = config.score_known_edges_as_published
    match config.predictor:
        case "gae":
            return GAE(head=head)
        case "gae_cn":
            return NCN(head=head, counts=True, **dropping)
        case "ncn":
            return NCN(head=head, **dropping)
        case "ncn2":
            return NCN(head=head, beside=two_step, **dropping)
        case "ncn_diff":
            return NCN(head=head, beside=OneSided(skip_other=not as_published), **dropping)
        case _:
            return NCNC(
                head=head,
                depth=config.completion_depth,
                scale=config.completion_scale,
                offset=config.completion_offset,
                alpha=config.completion_alpha,
                max_neighbors=config.completion_max_neighbors,
                chunk=config.completion_chunk,
                score_known_edges_as_published=as_published,
                noisy_completion_as_published=config.noisy_completion_as_published,
                reads_raw_embeddings=config.completion_reads_raw_embeddings,
                precision=getattr(torch, config.completion_precision),
                **dropping,
            )


def require_narrow_table(categories: Tensor) -> None:
    """Refuse integer features whose table would be nearly all unused: over 10 rows a node, and over 10,000."""
    highest = int(categories.max()) if categories.numel() else 0
    if highest >= max(10_000, 10 * categories.numel()):
        raise InvalidGraph(
            f"The highest integer feature is {highest} for {categories.numel()} nodes, and each number up to it has a "
            "vector of its own. Renumber them from 0 without gaps: numpy.unique(values, return_inverse=True)[1]."
        )
