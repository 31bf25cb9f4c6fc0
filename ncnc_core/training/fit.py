"""From edges to a trained network: hold some out, or take those that are given to validate, and train on the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ncnc_core.config.choices import SelectionMetric
from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency, pair_keys
from ncnc_core.graph.event_history import EventHistory
from ncnc_core.splits.negatives import corrupted_negatives, has_negative
from ncnc_core.splits.temporal_cuts import cut_by_fraction
from ncnc_core.training.checkpoint import EpochResult
from ncnc_core.training.data import TemporalData, TrainingData
from ncnc_core.training.trained_network import TrainedNetwork, train_network
from ncnc_core.training.work import Listener

CHECKPOINT_FILE = "checkpoint.safetensors"


@dataclass(frozen=True, eq=False)
class Validation:
    """What chooses the epoch: `fraction` of the edges, drawn by the seed, or else `edges`, [2, edges] positions.

    Without `negatives`, [2, negatives], `negatives_per_edge` are drawn for each edge.
    """

    fraction: float
    negatives_per_edge: int
    edges: Tensor | None = None
    negatives: Tensor | None = None


def fit_network(
    adjacency: Adjacency,
    features: Tensor | None,
    *,
    history: EventHistory | None = None,
    model: ModelConfig,
    training: TrainingConfig,
    selection_metric: SelectionMetric,
    validation: Validation,
    on_epoch: Callable[[EpochResult], None] | None,
    on_work: Listener | None = None,
    device: torch.device | str,
    checkpoint: Path | None = None,
) -> TrainedNetwork:
    """Train on the edges that do not validate, and let those that do choose the epoch; the training seed fixes both.

    temporal_ncn needs the `history`: its latest edges validate, and it is trained once more with them.

    With `checkpoint`, a folder, the state is kept there after each epoch, and the same training goes on from it.

    Raises:
        InvalidGraph: there are fewer than two edges, `fraction` is not between 0 and 1, validation edges stand in the
            graph, or negatives are edges.
    """
    if model.predictor == "temporal_ncn":
        data = _held_out_by_time(history, features, training.seed, validation)
    else:
        divided = _held_out if validation.edges is None else _given_out
        data = divided(adjacency, features, training.seed, validation)
    return train_network(
        model,
        training,
        data,
        selection_metric=selection_metric,
        on_epoch=on_epoch,
        on_work=on_work,
        checkpoint=None if checkpoint is None else checkpoint / CHECKPOINT_FILE,
        device=device,
    )


def _held_out(adjacency: Adjacency, features: Tensor | None, seed: int, validation: Validation) -> TrainingData:
    """Return the graph with a share of its edges, drawn by the seed, held out to validate."""
    _require_fraction(validation.fraction)
    every, num_nodes = adjacency.edges(), adjacency.num_nodes
    if every.shape[1] < 2:
        raise InvalidGraph(f"There are {every.shape[1]} edges, and training needs 2: one to learn, one to validate.")
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(every.shape[1], generator=generator)
    held_out = min(max(1, int(every.shape[1] * validation.fraction)), every.shape[1] - 1)
    valid, train = every[:, order[:held_out]], every[:, order[held_out:]]
    weight = None if adjacency.weight is None else adjacency.weight[adjacency.row < adjacency.column]
    known = pair_keys(every, num_nodes)  # sorted, as the edges are
    valid = _rankable(valid, known, num_nodes)
    each = validation.negatives_per_edge
    return TrainingData(
        num_nodes=num_nodes,
        features=features,
        train_edges=train,
        forbidden_keys=pair_keys(train, num_nodes).sort().values,
        valid_edges=valid,
        valid_negatives=corrupted_negatives(valid, each, known, generator, num_nodes=num_nodes),
        message_weight=None if weight is None else weight[order[held_out:]],
    )


def _held_out_by_time(
    history: EventHistory | None, features: Tensor | None, seed: int, validation: Validation
) -> TrainingData:
    """Return the history with a share of its edges, the latest, held out to validate."""
    _require_fraction(validation.fraction)
    if history is None:
        raise InvalidGraph(
            "temporal_ncn learns from when edges came, but the edges have no times. Give time, or choose the predictor "
            "ncnc."
        )
    cut_train = cut_by_fraction(history.arrivals, validation.fraction)
    if cut_train is None:
        raise InvalidGraph(
            f"The times are too coarse to set the latest {validation.fraction:.0%} of {history.edges.shape[1]} edges "
            "apart: too many share one. Choose the predictor ncnc, which reads no times, or give finer times."
        )
    num_nodes, end, before = history.num_nodes, history.latest, history.graph_at(cut_train)
    known = history.keys_until(end)
    valid = _rankable(history.fresh(cut_train, end), known, num_nodes)
    generator, each = torch.Generator().manual_seed(seed), validation.negatives_per_edge
    return TrainingData(
        num_nodes=num_nodes,
        features=features,
        train_edges=before.edges(),
        forbidden_keys=history.keys_until(cut_train),
        valid_edges=valid,
        valid_negatives=corrupted_negatives(valid, each, known, generator, num_nodes=num_nodes),
        times=TemporalData(history, cut_train, end),
    )


def _rankable(valid: Tensor, known: Tensor, num_nodes: int) -> Tensor:
    """Return the validation edges that have a negative."""
    found = has_negative(valid, known, num_nodes)
    if not found.any():
        raise InvalidGraph(
            f"None of the {found.numel()} validation edges has a negative: both ends of each are joined to every other "
            "node. Give a graph with pairs that are no edges, or a larger valid_fraction."
        )
    return valid[:, found]


def _require_fraction(fraction: float) -> None:
    if not 0 < fraction < 1:
        raise InvalidGraph(
            "valid_fraction is the share of edges that choose the epoch, between 0 and 1, but it is "
            f"{fraction}. Give 0.1, say."
        )


def _given_out(adjacency: Adjacency, features: Tensor | None, seed: int, validation: Validation) -> TrainingData:
    """Return the whole graph to train on, and the given edges to validate."""
    valid, negatives, num_nodes = validation.edges, validation.negatives, adjacency.num_nodes
    assert valid is not None  # noqa: S101 - for mypy: the caller has looked
    _require_apart(adjacency, valid)
    train = adjacency.edges()
    trained_on = pair_keys(train, num_nodes)
    known = torch.cat([trained_on, pair_keys(valid, num_nodes)]).unique()
    if negatives is None:
        generator = torch.Generator().manual_seed(seed)
        each = validation.negatives_per_edge
        negatives = corrupted_negatives(valid, each, known, generator, num_nodes=num_nodes)
    elif bool((wrong := torch.isin(pair_keys(negatives, num_nodes), known)).any()):
        raise InvalidGraph(
            f"{int(wrong.sum())} of {negatives.shape[1]} validation negatives are edges (first: place "
            f"{int(wrong.nonzero()[0])}). Leave them out, or leave out the negatives, and they are drawn."
        )
    weight = None if adjacency.weight is None else adjacency.weight[adjacency.row < adjacency.column]
    return TrainingData(num_nodes, features, train, trained_on, valid, negatives, message_weight=weight)


def _require_apart(adjacency: Adjacency, valid: Tensor) -> None:
    """Refuse validation edges that training sees: they would choose the epoch that remembers best."""
    inside = adjacency.has(valid)
    if bool(inside.any()):
        raise InvalidGraph(
            f"{int(inside.sum())} of {len(inside)} validation edges are edges of the training graph (first: place "
            f"{int(inside.nonzero()[0])}), in either direction. Leave them out of it; with RandomLinkSplit set "
            "is_undirected=True."
        )
