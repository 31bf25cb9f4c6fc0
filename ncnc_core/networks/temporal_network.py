"""Temporal NCN: common neighbours weighed by how recent they are, beside what times and overlaps say of a pair."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from ncnc_core.config.model import ModelConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.node_lists import NodeLists
from ncnc_core.networks.dropout import Dropout
from ncnc_core.networks.pair_head import PairHead, pair_product
from ncnc_core.networks.propagation import Propagation
from ncnc_core.networks.quantile_scale import QuantileScale
from ncnc_core.networks.standard_features import StandardFeatures, are_measurements
from ncnc_core.temporal.pair_features import TimedPairs, feature_groups, pair_features
from ncnc_core.temporal.timed_graph import NODE_FEATURES, TimedGraph

POOLED_SCALES = (1, 2, 3)  # of SCALES: beside the plain sum, one weighed by each
HEADS = 1 + len(POOLED_SCALES)
HOPS = 2
WIDER = 3  # the width of the part that reads pair features, in hidden channels
FEATURE_ENTRIES = 16  # beside what any network holds of a pair, in the entries of `score_pairs`: some 60 features
MOST_FEATURES = 256  # propagated beside the node's own values: three times so many numbers a node


@dataclass(frozen=True, eq=False)
class ReadPairs:
    """products [pairs, channels]: h_i * h_j; pooled [pairs, pooled]; values [pairs, features], not scaled."""

    products: Tensor
    pooled: Tensor
    values: Tensor


class TemporalNetwork(nn.Module):
    """logit = w . f + readout(pair_mlp(h_i * h_j) + neighbor_mlp(sum over common u of omega_u g_u) + A f).

    h = node_mlp([x, S x, S^2 x]), x the node features of the graph's times and the node's own, S normalised. g = h +
    transform(h). omega are four weights: one, and the decay of both edges to u at three scales. f = feature_mlp of the
    pair features. It asks a graph for its times, and holds no graph.
    """

    window: Tensor

    def __init__(self, config: ModelConfig, *, num_features: int) -> None:
        super().__init__()
        if num_features > MOST_FEATURES:
            raise InvalidGraph(
                f"temporal_ncn takes up to {MOST_FEATURES} node features, but there are {num_features}. Reduce them, "
                "or choose the predictor ncnc, which reads no times."
            )
        self.config, self.num_features, self.num_ids = config, num_features, 0
        channels, dropout = config.hidden_channels, config.predictor_dropout
        self.register_buffer("window", torch.ones((), dtype=torch.float64))  # new edges a window, set by training
        self.standard = StandardFeatures(num_features) if config.standardize_features and num_features else None
        self.node_scale = StandardFeatures(len(NODE_FEATURES))
        num_values = sum(len(names) for names in self.groups.values())
        self.pair_scale = QuantileScale(num_values)
        width = (1 + HOPS) * (len(NODE_FEATURES) + num_features)
        self.node_mlp = nn.Sequential(
            nn.Linear(width, channels), nn.ReLU(), Dropout(dropout), nn.Linear(channels, channels)
        )
        wide = WIDER * channels
        self.feature_mlp = nn.Sequential(
            nn.Linear(2 * num_values, wide), nn.ReLU(), Dropout(dropout),
            nn.Linear(wide, wide), nn.ReLU(), Dropout(dropout),
        )  # fmt: skip
        self.feature_weight = nn.Linear(wide, 1)
        self.head = PairHead(
            channels=channels,
            dropout=dropout,
            layer_norm=True,
            neighbor_transform=True,
            neighbor_output_linear=False,
            two_layer_head=False,
            beta=1.0,
            extra_channels=wide,
            pooled_channels=HEADS * channels,
        )

    @classmethod
    def for_graph(cls, config: ModelConfig, features: Tensor | None) -> TemporalNetwork:
        """Build the network that fits a graph's features: [nodes, features], or none.

        Raises:
            InvalidGraph: the features are ids, or too many.
        """
        if features is not None and features.dim() == 1:
            raise InvalidGraph("temporal_ncn reads no integer ids. Leave them out, or choose the predictor ncnc.")
        if config.standardize_features and not are_measurements(features):
            config = config.model_copy(update={"standardize_features": False})
        return cls(config, num_features=0 if features is None else features.shape[1])

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """The groups of pair features that the network reads, in the order of its inputs."""
        config = self.config
        return feature_groups(spectral=config.spectral_proximity, directed=config.edge_directions)

    def pair_features(self, graph: TimedGraph, pairs: Int64[Tensor, "2 pairs"]) -> TimedPairs:
        """Return the features of pairs that the network reads, not scaled."""
        return pair_features(graph, pairs, directed=self.config.edge_directions)

    @property
    def num_parameters(self) -> int:
        """The number of trainable parameters."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)

    def fit_node_scales(self, graphs: Sequence[TimedGraph], features: Tensor | None, seen: Tensor) -> None:
        """Take the scales of node values from the graphs of training, and of the features of the nodes `seen` then."""
        node = torch.cat([graph.node for graph in graphs])
        self.node_scale.fit(node, torch.ones(len(node), dtype=torch.bool))
        if self.standard is not None and features is not None:
            self.standard.fit(features, seen)

    def timed(self, adjacency: Adjacency) -> TimedGraph:
        """Return what recency says of a graph, its ages in the windows that training had."""
        return TimedGraph.of(adjacency, float(self.window), spectral=self.config.spectral_proximity)

    def propagated(self, graph: TimedGraph, features: Tensor | None) -> Float[Tensor, "nodes width"]:
        """Return [x, S x, S^2 x] with x the scaled node features: what the encoder reads; no weights enter.

        Raises:
            InvalidGraph: there are more or fewer features than the network was built for.
        """
        given = 0 if features is None else features.shape[1]
        if given != self.num_features:
            raise InvalidGraph(
                f"The model was built for {self.num_features} node features, but the graph has {given}. "
                "Give the graph the features the model was trained with, or train a new model."
            )
        parts = [self.node_scale(graph.node)]
        if features is not None:
            parts.append(features.to_dense() if self.standard is None else self.standard(features))
        hops, walk = [torch.cat(parts, 1)], Propagation(graph.adjacency)
        for _ in range(HOPS):
            hops.append(walk.normalized(hops[-1]))
        return torch.cat(hops, 1)

    def node_levels(self, features: Tensor | None, adjacency: Adjacency) -> list[Tensor]:
        """Return what every batch on this graph needs: h, g, and the tensors of its `TimedGraph`."""
        graph = self.timed(adjacency)
        h = self.node_mlp(self.propagated(graph, features))
        return [h, self.head.node_values(h), *graph.tensors()]

    def scorer(
        self, levels: list[Tensor], graph: Adjacency, pairs: Int64[Tensor, "2 pairs"]
    ) -> Callable[[list[Tensor], Adjacency, Tensor], Tensor]:
        """Return what scores pairs: it is given node levels, graph and pairs, and answers their logits.

        What the pair features take from the whole graph is worked out once for all of its calls.
        """
        timed = self.timed_by(levels, graph)
        return lambda levels, _, pairs: self.logits(self.read(levels, timed, pairs))

    def expanded(self, graph: Adjacency, pairs: Int64[Tensor, "2 pairs"]) -> Int64[Tensor, " pairs"]:
        """Return how many entries scoring each pair holds at a time, at most: common neighbours, and its features."""
        return FEATURE_ENTRIES + graph.degree[pairs].amin(0)

    def scores(
        self, levels: list[Tensor], graph: Adjacency, pairs: Int64[Tensor, "2 pairs"]
    ) -> Float[Tensor, " pairs"]:
        """Return the logits of pairs on the graph that the levels are of."""
        return self.logits(self.read(levels, self.timed_by(levels, graph), pairs))

    def timed_by(self, levels: list[Tensor], graph: Adjacency) -> TimedGraph:
        """Return what `timed` said of a graph, from its levels."""
        return TimedGraph(graph, *levels[2:])

    def read(self, levels: list[Tensor], graph: TimedGraph, pairs: Int64[Tensor, "2 pairs"]) -> ReadPairs:
        """Return what the logits of pairs are made of, on the graph that the levels are of.

        Hand over the same `graph` for all chunks of pairs: what is worked out once a graph then is.
        """
        found = self.pair_features(graph, pairs)
        pooled = self.pooled(levels[1], found.common, found.decay)
        return ReadPairs(pair_product(levels[0], pairs), pooled, found.values)

    def logits(self, read: ReadPairs) -> Float[Tensor, " pairs"]:
        """Return the logits of pairs that were read."""
        return self.product_logits(read.products, read.pooled, self.pair_scale(read.values))

    def pooled(self, values: Tensor, common: NodeLists, decay: Tensor) -> Float[Tensor, "pairs pooled"]:
        """Return the sums of node values over the common neighbours, one a head: plain, then weighed by each scale."""
        weights = [None, *(decay[:, scale] for scale in POOLED_SCALES)]
        return torch.cat([NodeLists(common.row_pointer, common.node, one).sum_rows(values) for one in weights], 1)

    def pooled_rows(self, values: Tensor, decay: Tensor) -> Float[Tensor, "common pooled"]:
        """Return what each common neighbour adds to `pooled`, given its value and the decay of its edges."""
        return torch.cat([values, *(decay[:, scale].unsqueeze(1) * values for scale in POOLED_SCALES)], 1)

    def product_logits(self, products: Tensor, pooled: Tensor, inputs: Tensor) -> Float[Tensor, " pairs"]:
        """Return the logits from the products h_i * h_j, the pooled sums and the scaled pair features."""
        features = self.feature_mlp(inputs)
        logits: Tensor = self.feature_weight(features).squeeze(-1) + self.head.of_products(products, pooled, features)
        return logits
