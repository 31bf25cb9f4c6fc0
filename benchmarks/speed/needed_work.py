"""The arithmetic of NCNC that no exact way of computing it can leave out, in float operations.

From the cost model B = n d F + n F^2 for the encoder and the node transform, and C = d^2 F + d F^2 a pair, counted for
the very batches: nonzeros of the features, nodes that are pooled or multiplied, distinct inner pairs, and the
neighbourhood's block only for inner pairs that have one. A weight's backward pass costs twice its forward.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency, pair_keys
from ncnc_core.graph.edge_dropout import drop_edges
from ncnc_core.recipes.recipe import Recipe
from ncnc_core.training.batches import epoch_batches
from ncnc_core.training.data import TrainingData


def training_work(data: TrainingData, tuned: Recipe, adjacency: Adjacency) -> float:
    """Return the operations of an epoch, on one draw of batches and of dropped edges."""
    work, generator = 0.0, torch.Generator().manual_seed(0)
    for positives, negatives in epoch_batches(data, tuned.training, data.never_negative(), generator):
        graph = adjacency.without(positives)
        dropped, _ = drop_edges(graph, tuned.model.predictor_edge_dropout, training=True)
        kept = 1 - tuned.model.feature_dropout  # of the nonzeros
        # The features themselves have no gradient: the input layer's backward pass is its weights' alone.
        work += 2 * kept * _input_work(data, tuned) + 2 * _propagation_work(graph, tuned)
        work += _predictor_work(dropped, torch.cat([positives, negatives], 1), tuned, backward=True)
    return work


def evaluation_work(data: TrainingData, tuned: Recipe, adjacency: Adjacency, pairs: Tensor) -> float:
    """Return the operations of scoring the pairs once."""
    encoder = _input_work(data, tuned) + _propagation_work(adjacency, tuned)
    return encoder + _predictor_work(adjacency, pairs, tuned, backward=False)


def _input_work(data: TrainingData, tuned: Recipe) -> float:
    nonzeros = 0 if data.features is None else int(torch.count_nonzero(data.features))
    return 2.0 * nonzeros * tuned.model.hidden_channels


def _propagation_work(adjacency: Adjacency, tuned: Recipe) -> float:
    return 2.0 * adjacency.column.numel() * tuned.model.hidden_channels


def _predictor_work(adjacency: Adjacency, pairs: Tensor, tuned: Recipe, *, backward: bool) -> float:
    product = 2.0 * tuned.model.hidden_channels**2  # one linear map of one row
    common = adjacency.common_neighbors(pairs)
    sides = [
        adjacency.exclusive_neighbors(node, other, common, skip_other=True)
        for node, other in ((pairs[0], pairs[1]), (pairs[1], pairs[0]))
    ]
    inner = torch.cat([torch.stack([pairs[1 - at][one.owner], one.node]) for at, one in enumerate(sides)], 1)
    keys = pair_keys(inner, adjacency.num_nodes).unique()
    distinct = torch.stack([keys // adjacency.num_nodes, keys % adjacency.num_nodes])
    second = adjacency.common_neighbors(distinct)
    pooled = torch.cat([common.node, *(one.node for one in sides)]).unique()
    only_multiplied = torch.cat([inner.unique(), pooled]).unique().numel() - pooled.numel()
    passes = 3 if backward else 1
    transform: float = 2 * product * (passes * pooled.numel() + only_multiplied + second.node.unique().numel())
    after = 2 if tuned.model.two_layer_head else 1
    outer = passes * (3 + after) * product * pairs.shape[1]
    inside = product * ((1 + after) * distinct.shape[1] + 2 * int(second.occupied.sum()))
    entries = passes * (common.node.numel() + inner.shape[1]) + second.node.numel()
    return transform + outer + inside + 2.0 * entries * tuned.model.hidden_channels
