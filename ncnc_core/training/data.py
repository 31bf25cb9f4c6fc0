"""The input of a training: features, message edges, and the training and validation pairs, by position."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from ncnc_core.config.choices import USUAL_NEGATIVES, EvaluationNegative
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency, pair_keys
from ncnc_core.graph.event_history import EventHistory


@dataclass(frozen=True, eq=False)
class TemporalData:
    """What happened up to the end of the validation window, and the two cuts, in unix seconds.

    Training may see what came up to `cut_train`, validation is what came first in (cut_train, cut_valid]. Windows rank
    their positives among negatives of `negative_kinds`, as the evaluation will: a model that never met hard negatives
    ranks them poorly (0.10 against 0.23 on a week of as_caida).
    """

    history: EventHistory
    cut_train: int
    cut_valid: int
    negative_kinds: tuple[EvaluationNegative, ...] = USUAL_NEGATIVES

    def __post_init__(self) -> None:
        """Refuse a history that knows what came later: no training may see it.

        Raises:
            InvalidGraph: an event is later than `cut_valid`.
        """
        latest = self.history.latest
        if latest > self.cut_valid:
            raise InvalidGraph(
                f"The history goes on until {latest}, but training ends at {self.cut_valid}. Give history.until("
                f"{self.cut_valid})."
            )

    @property
    def window(self) -> int:
        """The number of edges that came first in the validation window: ages are told in windows of so many."""
        return self.history.arrived(self.cut_valid) - self.history.arrived(self.cut_train)


@dataclass(frozen=True, eq=False)
class TrainingData:
    """A graph divided for training.

    `train_edges` [2, m] are the positives and, with `message_only_edges`, the message edges of training and
    validation. `forbidden_keys` are sorted `pair_keys` that are never drawn as training negatives: every edge known at
    the training cut, not later ones, which would leak. `valid_negatives` [2, negatives] are shared by all validation
    edges; where there are v * k of them, columns b * k to b * k + k - 1 are also the own ones of valid edge b, which
    mrr needs. `features` is float32 [nodes, features], dense or in sparse rows, or integer ids [nodes], or None.
    `message_weight` is float32 [message edges], in the order of `message_edges`, where the edges have weights. `times`
    is what temporal_ncn learns from; the other predictors read none.
    """

    num_nodes: int
    features: Tensor | None
    train_edges: Tensor
    forbidden_keys: Tensor
    valid_edges: Tensor
    valid_negatives: Tensor
    message_only_edges: Tensor | None = None
    message_weight: Tensor | None = None
    times: TemporalData | None = None

    def __post_init__(self) -> None:
        """Check what would otherwise surface as NaN, or as an empty epoch, an hour later."""
        if self.train_edges.shape[1] == 0:
            raise InvalidGraph("There are 0 training edges. Give at least one, or a later training cut.")
        valid, negatives = self.valid_edges.shape[1], self.valid_negatives.shape[1]
        if valid == 0 or negatives == 0:
            raise InvalidGraph(
                f"There are {valid} validation edges and {negatives} validation negatives. "
                "Give at least one of each: they choose the epoch."
            )
        if self.message_weight is not None and self.message_weight.shape != self.message_edges.shape[1:]:
            raise InvalidGraph(
                f"message_weight has the shape {list(self.message_weight.shape)} for {self.message_edges.shape[1]} "
                "message edges. Give one weight an edge, those of train_edges first."
            )
        if self.features is not None:
            _check_features(self.features, self.num_nodes)

    @property
    def negatives_per_valid_edge(self) -> int | None:
        """The number of negatives each validation edge has of its own, or None where they do not divide evenly."""
        each, rest = divmod(self.valid_negatives.shape[1], self.valid_edges.shape[1])
        return None if rest else each

    @property
    def message_edges(self) -> Tensor:
        """The edges the encoder sees in training and validation, [2, edges]."""
        if self.message_only_edges is None:
            return self.train_edges
        return torch.cat([self.train_edges, self.message_only_edges], 1)

    def adjacency(self) -> Adjacency:
        """Return the message graph."""
        return Adjacency.from_edges(self.message_edges, self.num_nodes, self.message_weight)

    def never_negative(self) -> Tensor:
        """Return the sorted keys no training negative may have: the forbidden ones and the message edges."""
        keys: Tensor = torch.cat([self.forbidden_keys, pair_keys(self.message_edges, self.num_nodes)]).unique()
        return keys

    def to(self, device: torch.device) -> TrainingData:
        """Return the data on a device."""
        tensors: dict[str, Any] = {  # replace checks no value of a field it gets by name
            field.name: value.to(device)
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), Tensor)
        }
        return replace(self, **tensors)


def _check_features(features: Tensor, num_nodes: int) -> None:
    if features.shape[0] != num_nodes:
        raise InvalidGraph(f"features has {features.shape[0]} rows for {num_nodes} nodes. Give one row a node.")
    if not features.is_floating_point():  # ids
        return
    if features.layout == torch.sparse_csr:
        broken = (~torch.isfinite(features.values())).nonzero().flatten()
        bad = torch.searchsorted(features.crow_indices(), broken, right=True).sub(1).unique()
    else:
        bad = (~torch.isfinite(features).all(dim=1)).nonzero().flatten()
    if bad.numel():
        raise InvalidGraph(
            f"{bad.numel()} rows of features hold NaN or infinity (first: node at position {int(bad[0])}). "
            "Fill them in, or leave the feature column out."
        )
