"""A trained link predictor with all it needs to score: weights, node ids, features and the served graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.config.choices import SelectionMetric
from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation.model_evaluation import ModelEvaluation, evaluate_links
from ncnc_core.evaluation.score_calibration import ScoreCalibration, fitted
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.inputs.edge_times import TimeInput
from ncnc_core.inputs.features import FeatureInput, features_on, require_one_row_each
from ncnc_core.inputs.graph_parts import EdgeInput, WeightInput
from ncnc_core.inputs.graphs import GraphInput, as_data, read_graph
from ncnc_core.inputs.labelled_pairs import labelled_pairs, require_labels_in_graph
from ncnc_core.inputs.node_ids import IdsInput, NodeId, NodePlaces, Positions, positions_of, require_one_id_each
from ncnc_core.inputs.pairs import PairInput, pair_positions, paired_positions
from ncnc_core.networks import scoring
from ncnc_core.networks.any_network import AnyNetwork
from ncnc_core.networks.temporal_network import TemporalNetwork
from ncnc_core.recipes.chosen import chosen_config
from ncnc_core.serving.explanation import LinkExplanation, explain_pair
from ncnc_core.serving.grown_graph import grown_graph, replaced_graph, require_fit
from ncnc_core.serving.held_levels import HeldLevels
from ncnc_core.serving.pair_facts import pair_reasons
from ncnc_core.serving.recommendation import Candidates, Recommendations, recommend_links
from ncnc_core.serving.saved_model import ModelParts, load_parts, save_parts
from ncnc_core.serving.timed_explanation import explain_timed_pair
from ncnc_core.training.checkpoint import EpochResult
from ncnc_core.training.fit import Validation, fit_network
from ncnc_core.training.progress import training_progress

if TYPE_CHECKING:
    from torch_geometric.data import Data


__all__ = ["LinkModel", "Positions"]


@dataclass(frozen=True, eq=False, repr=False)
class LinkModel:
    """Scores pairs of nodes on the graph it carries, or on another message graph for evaluation.

    `features` are float32 [nodes, features], int64 categories [nodes], or None. `node_ids` are all int or all str, one
    per position. Scores are logits: use their order. The sigmoid of a logit is a probability only for as many negatives
    as positives; `probabilities` corrects it with `calibration` and a prior. `history` are the epochs of `fit`; it is
    not saved.

    Raises:
        InvalidGraph: there is not one id and one row of features for each node, or an id comes twice.
    """

    config: ModelConfig
    network: AnyNetwork
    adjacency: Adjacency
    features: Tensor | None
    node_ids: Sequence[NodeId]
    calibration: ScoreCalibration | None = None
    history: tuple[EpochResult, ...] = ()

    def __post_init__(self) -> None:
        """Check that all are about the same nodes."""
        require_one_id_each(self.node_ids, self.num_nodes)
        require_one_row_each(self.features, self.num_nodes)

    @classmethod
    def fit(
        cls,
        edges: EdgeInput,
        features: FeatureInput = None,
        node_ids: IdsInput = None,
        *,
        edge_weight: WeightInput = None,
        time: TimeInput = None,
        directed: bool | None = None,
        source: str = "source",
        target: str = "target",
        recipe: str | None = None,
        model: ModelConfig | None = None,
        training: TrainingConfig | None = None,
        expects_new_nodes: bool = False,
        selection_metric: SelectionMetric = "mrr",
        valid: PairInput = None,
        valid_negatives: PairInput = None,
        valid_fraction: float = 0.1,
        negatives_per_edge: int = 50,
        checkpoint: Path | str | None = None,
        progress: bool = True,
        on_epoch: Callable[[EpochResult], None] | None = None,
        device: torch.device | str = "cpu",
    ) -> LinkModel:
        """Train on a graph, read as in `read_graph`, and return a model that serves all its edges.

        With `time`, one an edge, the model learns how recent things are: `automatic_config` chooses temporal_ncn, the
        latest `valid_fraction` of the edges validate, and the model is then trained once more with them. Of a
        `directed` graph, see `read_graph`, it also reads which way events went; it still predicts undirected links.
        `valid_fraction` of the edges, between 0 and 1, are held out to choose the best epoch by `selection_metric`,
        against `negatives_per_edge` negatives each. Your own validation edges are `valid`, pairs as in `score_pairs`
        or the second `Data` of PyG's RandomLinkSplit; the graph must not hold them, and the model serves them too, each
        with the weight one. Their negatives are `valid_negatives`, those of the `Data`, or drawn.
        A `model` or `training` that is not given comes from `recipe`, the published settings of a data set, or is
        chosen for this graph by `automatic_config`, which is told whether it `expects_new_nodes`.
        `checkpoint` is a folder: the state is kept there after each epoch, and the same call goes on from it.

        Raises:
            InvalidGraph: the graph breaks a rule of `read_graph`, has fewer than two edges, there is no such recipe,
                the validation pairs do not fit the graph, or the checkpoint is of another training.
        """
        ends: dict[str, Any] = {"directed": directed, "source": source, "target": target}
        graph = read_graph(edges, features, node_ids, edge_weight=edge_weight, time=time, **ends)
        adjacency = graph.adjacency()
        require_labels_in_graph(edges, adjacency.has)
        validation = _validation(graph, valid, valid_negatives, valid_fraction, negatives_per_edge)
        chosen = chosen_config(adjacency, graph.features, recipe=recipe, model=model, new_nodes=expects_new_nodes)
        model, training = model or chosen.model, training or chosen.training
        whole = graph if validation.edges is None else graph.with_edges(validation.edges, model.predictor)
        with training_progress(training.epochs, selection_metric, on_epoch, shown=progress) as show:
            trained = fit_network(
                adjacency,
                graph.features,
                history=graph.history,
                model=model,
                training=training,
                selection_metric=selection_metric,
                validation=validation,
                on_epoch=show.on_epoch,
                on_work=show.on_work,
                device=device,
                checkpoint=None if checkpoint is None else Path(checkpoint),
            )
        served = adjacency if whole is graph else whole.adjacency()
        network, ids = trained.network.cpu(), graph.node_ids
        return cls(trained.model, network, served, graph.features, ids, trained.score_calibration, trained.history)

    def __repr__(self) -> str:
        """Return what kind of model it is, and of how large a graph."""
        features = 0 if self.features is None else 1 if self.features.dim() == 1 else self.features.shape[1]
        edges = self.adjacency.num_edges
        return f"LinkModel({self.config.predictor}: {self.num_nodes} nodes, {edges} edges, {features} features)"

    @property
    def num_parameters(self) -> int:
        """The number of trainable parameters."""
        return self.network.num_parameters

    @property
    def num_nodes(self) -> int:
        """The number of nodes of the served graph."""
        return self.adjacency.num_nodes

    def score_pairs(
        self,
        pairs: PairInput,
        *,
        adjacency: Adjacency | None = None,
        features: FeatureInput = None,
        did: Callable[[int], None] | None = None,
    ) -> Float[Tensor, " pairs"]:
        """Return the logit of each pair, [pairs]; `did` hears how many are scored, a part after the other.

        Pairs are node ids, whole numbers too; `Positions(pairs)` are positions. `score_ids` takes two columns of ids.
        Without `adjacency` the served graph is used, and its embeddings are computed once. With it, the pairs are
        scored on that message graph; leave `features` out if it has the served graph's nodes, see `features_on`.

        Raises:
            InvalidGraph: a node is unknown, a pair joins a node with itself, the features do not fit the graph, or
                they are given without one.
        """
        pairs = self._pairs(pairs)
        if adjacency is None and features is not None:
            raise InvalidGraph(
                "features were given without adjacency, and the served graph has its own. Give the graph that they "
                "belong to too, or use with_graph."
            )
        if adjacency is None:
            return scoring.score_pairs(self.network, self._served_levels, self.adjacency, pairs, did=did)
        features = features_on(adjacency, features, self.features, self.node_ids)
        levels = scoring.node_levels(self.network, features, adjacency)
        return scoring.score_pairs(self.network, levels, adjacency, pairs, did=did)

    def score_ids(self, source_ids: Iterable[Any], target_ids: Iterable[Any]) -> Float[Tensor, " pairs"]:
        """Return the logit of each pair of node ids, [pairs], on the served graph; give lists, arrays or columns.

        Raises:
            InvalidGraph: an id is unknown, the lengths differ, or a pair joins a node with itself.
        """
        return self.score_pairs(Positions(paired_positions(source_ids, target_ids, self._places)))

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
            lambda pairs: self.score_pairs(Positions(pairs)),
            self.adjacency,
            self.positions(nodes).to(self.adjacency.column.device),
            k,
            self.node_ids,
            exclude_known=exclude_known,
            candidates=candidates,
            progress=progress,
        )

    def reasons(self, pairs: PairInput) -> tuple[str, ...]:
        """Return in a few words what the served graph says of each pair, see `pair_reasons`; `explain` weighs it.

        Raises:
            InvalidGraph: a node is unknown, or a pair joins a node with itself.
        """
        window = float(self.network.window) if isinstance(self.network, TemporalNetwork) else None
        return pair_reasons(self.adjacency, self._pairs(pairs), window)

    def explain(self, source: NodeId, target: NodeId) -> LinkExplanation:
        """Return what each pooled neighbour, and the pair itself, adds to the logit of two ids: see `explain_pair`.

        Raises:
            InvalidGraph: an id is unknown, or both are the same.
        """
        first, second = self._pairs(Positions(self.positions([source, target]).unsqueeze(1))).flatten().tolist()
        asked = self._served_levels, self.adjacency, first, second, self.node_ids
        if isinstance(self.network, TemporalNetwork):
            return explain_timed_pair(self.network, *asked)
        return explain_pair(self.network, *asked)

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

        `edges` may be the last `Data` of PyG's RandomLinkSplit, whose negatives are one set for all its edges.

        Test edges that the served graph holds are removed from it first, and counted. Without `negatives`,
        `negatives_per_edge` are drawn for each edge by the `seed`; how to give them is said at `evaluate_links`. Each
        metric has an interval that holds the truth with a chance of `confidence`, also where edges share nodes.

        Raises:
            InvalidGraph: there are no edges, the negatives do not fit them, or one of them is an edge.
        """
        labelled = labelled_pairs(edges)
        if labelled is not None:
            shared_negatives = shared_negatives or labelled.negatives is not None
            edges, negatives = labelled.beside(negatives)
        return evaluate_links(
            lambda message, pairs: self.score_pairs(Positions(pairs), adjacency=message),
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
        time: TimeInput = None,
        source: str = "source",
        target: str = "target",
    ) -> LinkModel:
        """Return the model with the same weights on another graph, see `replaced_graph`; nothing is trained.

        Raises:
            InvalidGraph: a new node lacks features that the model reads, the model's own node vectors do not fit, or
                the model reads times and there are none.
        """
        ends = {"source": source, "target": target}
        graph = replaced_graph(self._parts, edges, features, node_ids, edge_weight, time, **ends)
        return self._serving(graph.adjacency(), graph.features, graph.node_ids)

    def on_graph(self, adjacency: Adjacency, features: Tensor | None, node_ids: Sequence[NodeId]) -> LinkModel:
        """Return the model with the same weights on a graph that is read already, with all its features and ids.

        Raises:
            InvalidGraph: the features are others than the network reads, the model's own node vectors do not fit, or
                the model reads times and there are none.
        """
        require_fit(self._parts, node_ids, has_times=adjacency.times is not None)
        own, given = self.features, features
        if (own is None) != (given is None) or (own is not None and given is not None and _other_columns(own, given)):
            raise InvalidGraph(
                f"The model's nodes have features of shape {_shape(own)}, and this graph's {_shape(given)}. Give the "
                f"same columns."
            )
        return self._serving(adjacency, features, node_ids)

    def updated(
        self,
        new_edges: PairInput = None,
        new_nodes: IdsInput = None,
        *,
        features: FeatureInput = None,
        edge_weight: WeightInput = None,
        time: TimeInput = None,
        removed_edges: PairInput = None,
    ) -> LinkModel:
        """Return the model on its graph with nodes and edges added and edges removed, see `grown_graph`.

        Where this model's embeddings are known, its first score encodes only the nodes that the change reaches, see
        `HeldLevels`; so scores can differ from those of another way to the same graph in their last digits.
        A model that reads times needs `time`, one a new edge; a new edge that is known already is a later event of it.

        Raises:
            InvalidGraph: a new node is known already or lacks features, or an edge names an unknown node.
        """
        parts, touched = grown_graph(self._parts, new_edges, new_nodes, features, edge_weight, removed_edges, time)
        grown = self._serving(parts.adjacency, parts.features, parts.node_ids)
        # Behind the fields, and not one of them: `replace` must not carry over what another network encoded.
        if "_served_levels" in self.__dict__:
            grown.__dict__["_held"] = HeldLevels(self._served_levels, touched)
        elif self._held is not None:
            grown.__dict__["_held"] = self._held.and_then(touched)
        if len(parts.node_ids) == len(self.node_ids):
            grown.__dict__["_places"] = self._places  # the look-up of ids is made once
        return grown

    def to(self, device: torch.device | str) -> LinkModel:
        """Return the model on a device; the network itself moves."""
        features = None if self.features is None else self.features.to(device)
        return replace(self, network=self.network.to(device), adjacency=self.adjacency.to(device), features=features)

    def to_data(self) -> Data:
        """Return the served graph as PyTorch Geometric's Data, see `as_data`."""
        return as_data(self.adjacency, self.features, self.node_ids)

    def save(self, folder: Path | str, *, weights_of: Path | str | None = None) -> None:
        """Write the model into a folder: JSON and safetensors, nothing that runs code when it is read.

        `weights_of` is the folder that the model was loaded from, before `with_graph`: its weights file is then copied.
        """
        save_parts(self._parts, Path(folder), None if weights_of is None else Path(weights_of))

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
        return positions_of(ids, self._places)

    @property
    def position_of(self) -> dict[NodeId, int]:
        """The position of each known node id."""
        return self._places.by_id

    @cached_property
    def _places(self) -> NodePlaces:
        return NodePlaces(self.node_ids)

    @cached_property
    def _served_levels(self) -> list[Tensor]:
        held = self.__dict__.pop("_held", None)
        if held is not None:
            return held.on(self.network, self.features, self.adjacency)  # type: ignore[no-any-return]
        return scoring.node_levels(self.network, self.features, self.adjacency)

    @cached_property
    def _held(self) -> HeldLevels | None:
        """What `updated` left to begin with, until the levels are made."""
        return None

    @property
    def _parts(self) -> ModelParts:
        """What is saved and grown, the graph in main memory."""
        features = None if self.features is None else self.features.cpu()
        graph, ids = self.adjacency.to("cpu"), list(self.node_ids)
        return ModelParts(self.config, self.network, graph, features, ids, self.calibration)

    def _serving(self, graph: Adjacency, features: Tensor | None, node_ids: Sequence[NodeId]) -> LinkModel:
        """Return the model on another graph, on the device that its network is on."""
        device = next(self.network.parameters()).device
        features = None if features is None else features.to(device)
        return replace(self, adjacency=graph.to(device), features=features, node_ids=node_ids)

    def _pairs(self, pairs: PairInput) -> Tensor:
        return pair_positions(pairs, self._places).to(self.adjacency.column.device)


def _other_columns(own: Tensor, given: Tensor) -> bool:
    return own.dim() != given.dim() or own.shape[1:] != given.shape[1:]


def _shape(features: Tensor | None) -> str:
    return "none" if features is None else str(list(features.shape))


def _validation(
    graph: GraphInput, valid: PairInput, negatives: PairInput, fraction: float, negatives_per_edge: int
) -> Validation:
    """Return what chooses the epoch, pairs turned into positions."""
    labelled = labelled_pairs(valid)
    if labelled is not None:
        valid, negatives = labelled.beside(negatives)
    if valid is None and negatives is not None:
        raise InvalidGraph("valid_negatives was given without valid. Give the edges that they are compared with too.")
    known = NodePlaces(graph.node_ids)
    edges, others = (None if one is None else pair_positions(one, known).cpu() for one in (valid, negatives))
    return Validation(fraction, negatives_per_edge, edges, others)
