"""From edges alone to a trained network: hold some edges out at random, train on the rest."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ncnc_core.config.choices import SelectionMetric
from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency, pair_keys
from ncnc_core.splits.negatives import corrupted_negatives, has_negative
from ncnc_core.training.checkpoint import EpochResult
from ncnc_core.training.data import TrainingData
from ncnc_core.training.trained_network import TrainedNetwork, train_network


def fit_network(
    adjacency: Adjacency,
    features: Tensor | None,
    *,
    model: ModelConfig,
    training: TrainingConfig,
    selection_metric: SelectionMetric,
    valid_fraction: float,
    negatives_per_edge: int,
    on_epoch: Callable[[EpochResult], None] | None,
    device: torch.device | str,
) -> TrainedNetwork:
    """Train on a random share of the edges and let the others choose the epoch; the training seed fixes both.

    Raises:
        InvalidGraph: there are fewer than two edges, or `valid_fraction` is not between 0 and 1.
    """
    if not 0 < valid_fraction < 1:
        raise InvalidGraph(
            f"valid_fraction is the share of edges that choose the epoch, between 0 and 1, but it is {valid_fraction}. "
            "Give 0.1, say."
        )
    data = _held_out(adjacency, features, training.seed, valid_fraction, negatives_per_edge)
    return train_network(model, training, data, selection_metric=selection_metric, on_epoch=on_epoch, device=device)


def _held_out(
    adjacency: Adjacency, features: Tensor | None, seed: int, valid_fraction: float, negatives_per_edge: int
) -> TrainingData:
    """Return the graph with a share of its edges, drawn by the seed, held out to validate."""
    every, num_nodes = adjacency.edges(), adjacency.num_nodes
    if every.shape[1] < 2:
        raise InvalidGraph(f"There are {every.shape[1]} edges, and training needs 2: one to learn, one to validate.")
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(every.shape[1], generator=generator)
    held_out = min(max(1, int(every.shape[1] * valid_fraction)), every.shape[1] - 1)
    valid, train = every[:, order[:held_out]], every[:, order[held_out:]]
    weight = None if adjacency.weight is None else adjacency.weight[adjacency.row < adjacency.column]
    known = pair_keys(every, num_nodes)  # sorted, as the edges are
    valid = valid[:, has_negative(valid, known, num_nodes)]
    if not valid.shape[1]:
        raise InvalidGraph(
            f"None of the {held_out} validation edges has a negative: both ends of each are joined to every other "
            "node. Give a graph with pairs that are no edges, or a larger valid_fraction."
        )
    return TrainingData(
        num_nodes=num_nodes,
        features=features,
        train_edges=train,
        forbidden_keys=pair_keys(train, num_nodes).sort().values,
        valid_edges=valid,
        valid_negatives=corrupted_negatives(valid, negatives_per_edge, known, generator, num_nodes=num_nodes),
        message_weight=None if weight is None else weight[order[held_out:]],
    )
