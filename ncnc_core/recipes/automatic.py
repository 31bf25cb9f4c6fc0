"""A model and a training recipe chosen from what is measured of a graph, each choice with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.temporal_network import MOST_FEATURES
from ncnc_core.recipes.estimate import CostEstimate
from ncnc_core.recipes.graph_traits import GraphTraits
from ncnc_core.recipes.training_budget import FEWEST_VALID_PAIRS, SMALL_EDGES, training_budget
from ncnc_core.splits.temporal_cuts import cut_by_fraction

# Up to it, samples save a tenth to a third of learning's CPU seconds, and the vectors that they cannot train rank far
# better: docs/benchmarks.md, "The whole graph or samples". Above it, a step over the whole graph takes many seconds.
EXACT_EDGES = 10_000_000

# Vectors of that many nodes, 64 channels, with Adam's two moments and the gradient take 2 GiB.
EMBEDDED_NODES = 2_000_000
DENSE_EDGE_DEGREE = 200  # completing both sides of a pair would mean some 400 inner pairs, or a thin sample of them
WHOLE_SIDES = 16  # up to this edge degree all neighbours of most pairs are completed within the usual cap
FEW_CLOSED = 0.3  # share of edges with a common neighbour: 0.22 on the Power grid, 0.42 to 1 elsewhere
SPARSE_FEATURES = 0.1  # share of nonzeros below which features are bags of words rather than measurements
WIDE_FEATURES = 256

# Other numbers of negatives and windows were measured with three seeds on five graphs, and none pays: decision 34 has
# the figures, benchmarks/evolving/ablations.py repeats them. Width, dropout, learning rate and epochs were not varied.
TEMPORAL_MODEL: dict[str, Any] = {"predictor": "temporal_ncn", "hidden_channels": 32, "predictor_dropout": 0.2}
TEMPORAL_TRAINING: dict[str, Any] = {
    "epochs": 12,
    "batch_size": 128,
    "predictor_learning_rate": 0.002,
    "loss": "listwise",
    "negatives_per_positive": 8,
    "gradient_clip_norm": 1.0,
    "evaluate_every": 4,
}
VALIDATION_SHARE = 0.1  # of the edges: what the latest window is meant to hold
FEWEST_TIMED = 200  # edges; of fewer there is no window to learn from


@dataclass(frozen=True)
class AutomaticConfig:
    """The chosen model and training, one line for each reason, and about what they cost."""

    model: ModelConfig
    training: TrainingConfig
    reasons: tuple[str, ...]
    estimate: CostEstimate


def automatic_config(
    adjacency: Adjacency,
    features: Tensor | None = None,
    *,
    model: ModelConfig | None = None,
    expects_new_nodes: bool = False,
    window: int | None = None,
    seed: int = 0,
) -> AutomaticConfig:
    """Choose a model and its training from the graph's size, degrees, overlap and features.

    Where edges have times it is temporal_ncn, if they tell enough edges apart and the features are few numbers.
    `window` is the number of new edges that validate it, where they come after this graph; None: its latest tenth does.
    `features` are [nodes, features], or integer ids [nodes], or None. A given `model` is kept, and only its training is
    chosen. Set `expects_new_nodes` where many of the nodes to score will be new since training. The same arguments give
    the same choice. Cost: O(edges + feature values).
    """
    traits = GraphTraits.of(adjacency, features, torch.Generator().manual_seed(seed))
    reasons: list[str] = []
    if model is None and _reads_times(traits, window, reasons):
        model = ModelConfig(**TEMPORAL_MODEL, edge_directions=traits.has_directions)
    elif model is None:
        fields = {**_inputs(traits, expects_new_nodes, reasons), **_layers(traits, reasons)}
        model = ModelConfig(**fields, **_predictor(traits, reasons))
    else:
        reasons.append("The model is as given; only its training is chosen.")
    if model.predictor == "temporal_ncn":
        fields = TEMPORAL_TRAINING | _validation_bound(traits, reasons)
    else:
        fields = _training(traits, model, reasons)
    training = TrainingConfig(**fields, seed=seed)
    estimate = CostEstimate.of(traits, model, training, window=window)
    return AutomaticConfig(model, training, tuple(reasons), estimate)


def _validation_bound(traits: GraphTraits, reasons: list[str]) -> dict[str, Any]:
    """Return what bounds the validations of temporal_ncn on a large graph; no epoch is chosen by them."""
    if traits.num_edges <= SMALL_EDGES:
        return {}
    reasons.append(
        f"{FEWEST_VALID_PAIRS:,} validation pairs, drawn by the seed, are scored between epochs, all after the last."
    )
    return {"valid_pairs": FEWEST_VALID_PAIRS}


def _reads_times(traits: GraphTraits, window: int | None, reasons: list[str]) -> bool:
    """Say whether the model is to read when edges came, and why it is not, where there are times."""
    if traits.arrivals is None:
        return False
    why_not = None
    if traits.has_ids or traits.num_features > MOST_FEATURES:
        why_not = f"the features are ids or more than {MOST_FEATURES} numbers a node"
    elif traits.num_edges > EXACT_EDGES:
        why_not = f"{traits.num_edges} edges are too many to be worked out whole"
    elif traits.num_edges < FEWEST_TIMED or not _has_a_window(traits.arrivals, window):
        why_not = "there are too few of them, or too many share one time"
    if why_not is not None:
        reasons.append(f"The edges have times, which are not read: {why_not}.")
        return False
    reasons.append("The edges have times: the model reads how recent things are, and learns to say what comes next.")
    if traits.has_directions:
        reasons.append("The events have directions: paths are also told apart by which way their edges go.")
    return True


def _has_a_window(arrivals: Tensor, size: int | None) -> bool:
    """Say whether there is a window of as many edges as validation has, and as many before it: see `windows`."""
    until = len(arrivals)
    if size is None:
        cut = cut_by_fraction(arrivals, VALIDATION_SHARE)
        if cut is None:
            return False
        until = int(torch.searchsorted(arrivals, cut, right=True))
        size = len(arrivals) - until
    before = int(torch.searchsorted(arrivals, arrivals[until - 1]))  # what came before the last date of training
    return until >= 2 * size and before >= size


def _inputs(traits: GraphTraits, expects_new_nodes: bool, reasons: list[str]) -> dict[str, Any]:
    if traits.has_ids:
        reasons.append("The features are ids: each id has a learnable vector.")
        return {"node_embedding": "only"}
    if traits.num_features:
        share = f"{traits.feature_density:.1%} of them not zero"
        if traits.feature_density < SPARSE_FEATURES:
            reasons.append(
                f"{traits.num_features} features, {share}: bags of words, of which half are dropped at a time."
            )
            return {"feature_dropout": 0.5}
        reasons.append(
            f"{traits.num_features} features, {share}: measurements, which are standardised, and none dropped."
        )
        return {}
    if expects_new_nodes:
        reasons.append("No features, and new nodes to come: degrees and the like, which a new node has too.")
        return {}
    if traits.num_nodes > EMBEDDED_NODES or traits.num_edges > EXACT_EDGES:
        reasons.append(
            f"No features, and {traits.num_nodes} nodes are too many for a vector each: degrees and the like."
        )
        return {}
    # Validation Hits@20 on USAir, Yeast and Power (means of two or three splits): 0.893, 0.835 and 0.280 with vectors
    # alone, 0.885, 0.810 and 0.217 with degrees and the like added, 0.881, 0.764 and 0.200 with these alone.
    reasons.append("No features: a learnable vector a node. A node that comes later lives from its neighbours.")
    return {"node_embedding": "only"}


def _layers(traits: GraphTraits, reasons: list[str]) -> dict[str, Any]:
    # Width and dropout: validation Hits@20 on Cora went from 0.579 with ModelConfig's defaults to 0.679 with these.
    # Linear propagation, published 18 to 30 points above SAGE and GIN on citation graphs, and the cheapest.
    wide = traits.num_features >= WIDE_FEATURES
    # Where hardly an edge has a common neighbour, the encoder must see past them: validation Hits@20 on Power was 0.280
    # with one layer and 0.333 with three; on USAir and Yeast three were no better.
    layers = 3 if traits.closed_share < FEW_CLOSED and not traits.num_features else 1
    channels = 128 if wide else 64
    fields: dict[str, Any] = {"encoder": "puregcn", "num_layers": layers, "hidden_channels": channels}
    reasons.append(
        f"{traits.closed_share:.0%} of the edges have a common neighbour: a linear encoder of {layers} layer(s), with "
        f"{channels} channels."
    )
    # Few edges for many weights: what a dense graph repeats a thousand times a sparse one says once.
    dropout = 0.3 if traits.num_edges < 100 * max(traits.num_features, fields["hidden_channels"]) else 0.1
    reasons.append(f"{traits.num_edges} edges: dropout {dropout} in encoder and predictor.")
    if traits.has_weights:
        reasons.append("The edges have weights, which the encoder propagates.")
    return {**fields, "encoder_dropout": dropout, "predictor_dropout": dropout, "edge_weights": traits.has_weights}


def _predictor(traits: GraphTraits, reasons: list[str]) -> dict[str, Any]:
    degree = f"The node at the end of an edge has {traits.edge_degree:.0f} neighbours"
    if traits.edge_degree > DENSE_EDGE_DEGREE:
        reasons.append(f"{degree}: enough is observed, and completing it would cost most: ncn.")
        return {"predictor": "ncn"}
    cap = None if traits.edge_degree <= WHOLE_SIDES else 16
    many = "all" if cap is None else f"at most {cap}"
    reasons.append(f"{degree}: ncnc, completing {many} of a side.")
    return {"predictor": "ncnc", "completion_max_neighbors": cap}


def _training(traits: GraphTraits, model: ModelConfig, reasons: list[str]) -> dict[str, Any]:
    layers = 0 if model.encoder == "none" else model.num_layers
    samples = traits.num_edges > EXACT_EDGES and model.node_embedding == "off" and model.predictor in ("ncn", "ncnc")
    fields = training_budget(max(traits.num_edges, 1), reasons, samples=samples)
    if samples:
        reasons.append("More edges than a step can go over: each pair is trained on a sample of its neighbourhood.")
        return fields | {"neighbor_fan_out": (10,) * layers, "overlap_limit": 64}
    if model.predictor == "ncnc" and model.completion_alpha > 0 and model.completion_depth > 0:
        reasons.append("How far completion is trusted, or whether at all, is fitted on the validation edges.")
        fields["calibrate_completion"] = True
    return fields
