"""A trained link predictor with all it needs to score: weights, node ids, features and the served graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.config.choices import SelectionMetric
from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.evaluation.model_evaluation import ModelEvaluation, evaluate_links
from ncnc_core.evaluation.score_calibration import ScoreCalibration, fitted
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.inputs import pairs as pair_input
from ncnc_core.inputs.features import FeatureInput, features_on, require_one_row_each
from ncnc_core.inputs.graphs import EdgeInput, GraphInput, WeightInput, as_data, read_graph
from ncnc_core.inputs.pairs import IdsInput, NodeId, PairInput
from ncnc_core.networks import scoring
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.recipes.automatic import automatic_config
from ncnc_core.recipes.recipe import recipe as named_recipe
from ncnc_core.serving.explanation import LinkExplanation, explain_pair
from ncnc_core.serving.grown_graph import grown_graph, replaced_graph
from ncnc_core.serving.recommendation import Candidates, Recommendations, recommend_links
from ncnc_core.serving.saved_model import ModelParts, load_parts, save_parts
from ncnc_core.training.checkpoint import EpochResult
from ncnc_core.training.fit import fit_network
from ncnc_core.training.progress import training_progress

if TYPE_CHECKING:
    from torch_geometric.data import Data


@dataclass(frozen=True, eq=False)
class LinkModel:
    """Scores pairs of nodes on the graph it carries, or on another message graph for evaluation.

    `features` are float32 [nodes, features], int64 categories [nodes], or None. `node_ids` are all int or all str, one
    per position. Scores are logits: use their order. The sigmoid of a logit is a probability only for as many negatives
    as positives; `probabilities` corrects it with `calibration` and a prior.

    Raises:
        InvalidGraph: there is not one id and one row of features for each node, or an id comes twice.
    """

    config: ModelConfig
    network: LinkNetwork
    adjacency: Adjacency
    features: Tensor | None
    node_ids: Sequence[NodeId]
    calibration: ScoreCalibration | None = None

    def __post_init__(self) -> None:
        """Check that all are about the same nodes."""
        pair_input.require_one_id_each(self.node_ids, self.num_nodes)
        require_one_row_each(self.features, self.num_nodes)

    @classmethod
    def fit(
        cls,
        edges: EdgeInput,
        features: FeatureInput = None,
        node_ids: IdsInput = None,
        *,
        edge_weight: WeightInput = None,
        source: str = "source",
        target: str = "target",
        recipe: str | None = None,
        model: ModelConfig | None = None,
        training: TrainingConfig | None = None,
        selection_metric: SelectionMetric = "mrr",
        valid_fraction: float = 0.1,
        negatives_per_edge: int = 50,
        progress: bool = True,
        on_epoch: Callable[[EpochResult], None] | None = None,
        device: torch.device | str = "cpu",
    ) -> LinkModel:
        """Train on a graph, read as in `read_graph`, and return a model that serves all its edges.

        `valid_fraction` of the edges, between 0 and 1, are held out to choose the best epoch by `selection_metric`,
        against `negatives_per_edge` negatives each. A `model` or `training` that is not given comes from `recipe`, the
        published settings of a data set, or is chosen for this graph by `automatic_config`.

        Raises:
            InvalidGraph: the graph breaks a rule of `read_graph`, has fewer than two edges, or there is no such recipe.
        """
        graph = read_graph(edges, features, node_ids, edge_weight=edge_weight, source=source, target=target)
        adjacency = graph.adjacency()
        chosen = named_recipe(recipe) if recipe else automatic_config(adjacency, graph.features, model=model)
        training = training or chosen.training
        with training_progress(training.epochs, selection_metric, on_epoch, shown=progress) as show:
            trained = fit_network(
                adjacency,
                graph.features,
                model=model or chosen.model,
                training=training,
                selection_metric=selection_metric,
                valid_fraction=valid_fraction,
                negatives_per_edge=negatives_per_edge,
                on_epoch=show,
                device=device,
            )
        network = trained.network.cpu()
        return cls(trained.model, network, adjacency, graph.features, graph.node_ids, trained.score_calibration)

    @property
    def num_parameters(self) -> int:
        """The number of trainable parameters."""
        return self.network.num_parameters

    @property
    def num_nodes(self) -> int:
        """The number of nodes of the served graph."""
        return self.adjacency.num_nodes

    def score_pairs(
        self, pairs: PairInput, *, adjacency: Adjacency | None = None, features: FeatureInput = None
    ) -> Float[Tensor, " pairs"]:
        """Return the logit of each pair, [pairs].

        Whole numbers in an array or a list are positions; text and tables hold ids. `score_ids` takes ids of any kind.
        Without `adjacency` the served graph is used, and its embeddings are computed once. With it, the pairs are
        scored on that message graph; leave `features` out if it has the served graph's nodes, see `features_on`.

        Raises:
            InvalidGraph: a node is unknown, a pair joins a node with itself, or the features do not fit the graph.
        """
        pairs = self._pairs(pairs)
        if adjacency is None:
            return scoring.score_pairs(self.network, self._served_levels, self.adjacency, pairs)
        features = features_on(adjacency, features, self.features, self.node_ids)
        levels = scoring.node_levels(self.network, features, adjacency)
        return scoring.score_pairs(self.network, levels, adjacency, pairs)

    def score_ids(self, source_ids: Iterable[Any], target_ids: Iterable[Any]) -> Float[Tensor, " pairs"]:
        """Return the logit of each pair of node ids, [pairs], on the served graph; give lists, arrays or columns.

        Raises:
            InvalidGraph: an id is unknown, the lengths differ, or a pair joins a node with itself.
        """
        return self.score_pairs(pair_input.paired_positions(source_ids, target_ids, self.position_of))

    def probabilities(
        self, pairs: PairInput, prior: float = 0.5, *, adjacency: Adjacency | None = None
    ) -> Float[Tensor, " pairs"]:
        """Return the probability that each pair is an edge, [pairs], where a share `prior` of such pairs are edges.

        Raises:
            InvalidGraph: the model has no calibration, `prior` is not between 0 and 1, or as for `score_pairs`.
        """
        return fitted(self.calibration).probability(self.score_pairs(pairs, adjacency=adjacency), prior)

    def recommend(
        self,
        nodes: IdsInput,
        k: SupportsIndex = 10,
        *,
        exclude_known: bool = True,
        candidates: Candidates | None = None,
        progress: bool = True,
    ) -> Recommendations:
        """Return the k best-scored partners of each node id; known edges are left out unless `exclude_known` is False.

        In a graph of up to `recommendation.EVERY_NODE_UP_TO` nodes, or with `candidates="all"`, every other node is
        ranked. In a larger graph only a shortlist is: `recommendation.SHORTLIST` candidates a node, or as many as
        `candidates` says, found by random walks and by degree, see `shortlists`. Ties keep the order of the nodes.

        Raises:
            InvalidGraph: an id is unknown, or `k` or `candidates` is no whole number from 1.
        """
        return recommend_links(
            self.score_pairs,
            self.adjacency,
            self.positions(nodes).to(self.adjacency.column.device),
            k,
            self.node_ids,
            exclude_known=exclude_known,
            candidates=candidates,
            progress=progress,
        )

    def explain(self, source: NodeId, target: NodeId) -> LinkExplanation:
        """Return what each pooled neighbour, and the pair itself, adds to the logit of two ids: see `explain_pair`.

        Raises:
            InvalidGraph: an id is unknown, or both are the same.
        """
        first, second = self._pairs(self.positions([source, target]).unsqueeze(1)).flatten().tolist()
        return explain_pair(self.network, self._served_levels, self.adjacency, first, second, self.node_ids)

    def evaluate(
        self,
        edges: PairInput,
        negatives: PairInput = None,
        *,
        negatives_per_edge: int = 50,
        shared_negatives: bool = False,
        confidence: float = 0.95,
        seed: int = 0,
    ) -> ModelEvaluation:
        """Measure the model and the heuristics on held-out edges; pairs are read as in `score_pairs`.

        Test edges that the served graph holds are removed from it first, and counted. Without `negatives`,
        `negatives_per_edge` are drawn for each edge by the `seed`; how to give them is said at `evaluate_links`. Each
        metric has an interval that holds the truth with a chance of `confidence`, also where edges share nodes.

        Raises:
            InvalidGraph: there are no edges, or the negatives do not fit them.
        """
        return evaluate_links(
            lambda message, pairs: self.score_pairs(pairs, adjacency=message),
            self.adjacency,
            self._pairs(edges),
            None if negatives is None else self._pairs(negatives),
            negatives_per_edge=negatives_per_edge,
            shared_negatives=shared_negatives,
            confidence=confidence,
            seed=seed,
        )

    def with_graph(
        self,
        edges: EdgeInput,
        features: FeatureInput = None,
        node_ids: IdsInput = None,
        *,
        edge_weight: WeightInput = None,
    ) -> LinkModel:
        """Return the model with the same weights on another graph, see `replaced_graph`; nothing is trained.

        Raises:
            InvalidGraph: a new node lacks features that the model reads, or the model's own node vectors do not fit.
        """
        return self._serving(replaced_graph(self._parts, edges, features, node_ids, edge_weight))

    def updated(
        self,
        new_edges: PairInput = None,
        new_nodes: IdsInput = None,
        *,
        features: FeatureInput = None,
        edge_weight: WeightInput = None,
        removed_edges: PairInput = None,
    ) -> LinkModel:
        """Return the model on its graph with nodes and edges added and edges removed, see `grown_graph`.

        Raises:
            InvalidGraph: a new node is known already or lacks features, or an edge names an unknown node.
        """
        return self._serving(grown_graph(self._parts, new_edges, new_nodes, features, edge_weight, removed_edges))

    def to(self, device: torch.device | str) -> LinkModel:
        """Return the model on a device; the network itself moves."""
        features = None if self.features is None else self.features.to(device)
        network, graph = self.network.to(device), self.adjacency.to(device)
        return LinkModel(self.config, network, graph, features, self.node_ids, self.calibration)

    def to_data(self) -> Data:
        """Return the served graph as PyTorch Geometric's Data, see `as_data`."""
        return as_data(self.adjacency, self.features, self.node_ids)

    def save(self, folder: Path | str) -> None:
        """Write the model into a folder: JSON and safetensors, nothing that runs code when it is read."""
        save_parts(self._parts, Path(folder))

    @classmethod
    def load(cls, folder: Path | str) -> LinkModel:
        """Read a model from a folder that `save` wrote; it scores bit for bit as before.

        Raises:
            InvalidGraph: a file is missing or damaged, or this version does not know the folder's format.
        """
        parts = load_parts(Path(folder))
        return cls(parts.config, parts.network, parts.adjacency, parts.features, parts.node_ids, parts.calibration)

    def positions(self, ids: IdsInput) -> Int64[Tensor, " ids"]:
        """Return the position of each node id, int64 [ids].

        Raises:
            InvalidGraph: an id is unknown.
        """
        return pair_input.positions_of(ids, self.position_of)

    @cached_property
    def position_of(self) -> dict[NodeId, int]:
        """The position of each known node id."""
        return {node: position for position, node in enumerate(self.node_ids)}

    @cached_property
    def _served_levels(self) -> list[Tensor]:
        return scoring.node_levels(self.network, self.features, self.adjacency)

    @property
    def _parts(self) -> ModelParts:
        return ModelParts(
            self.config, self.network, self.adjacency, self.features, list(self.node_ids), self.calibration
        )

    def _serving(self, graph: GraphInput) -> LinkModel:
        return LinkModel(self.config, self.network, graph.adjacency(), graph.features, graph.node_ids, self.calibration)

    def _pairs(self, pairs: PairInput) -> Tensor:
        return pair_input.pair_positions(pairs, self.position_of).to(self.adjacency.column.device)
