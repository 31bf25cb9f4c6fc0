"""What a training is given: positions and tensors, split already."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ncnc_core.adjacency import Adjacency, pair_keys
from ncnc_core.errors import InvalidGraph


@dataclass(frozen=True, eq=False)
class TrainingData:
    """A graph divided for training.

    `train_edges` [2, m] are the positives and, with `message_only_edges`, the message edges of training and
    validation. `forbidden_keys` are sorted `pair_keys` that are never drawn as training negatives: every edge known at
    the training cut, not later ones, which would leak. The k negatives of valid edge b are `valid_negatives`
    [2, v * k], columns b * k to b * k + k - 1. `features` is float32 [nodes, features], or None.
    """

    num_nodes: int
    features: Tensor | None
    train_edges: Tensor
    forbidden_keys: Tensor
    valid_edges: Tensor
    valid_negatives: Tensor
    message_only_edges: Tensor | None = None

    def __post_init__(self) -> None:
        """Check what would otherwise surface as NaN, or as an empty epoch, an hour later."""
        if self.train_edges.shape[1] == 0:
            raise InvalidGraph("There are 0 training edges. Give at least one, or a later training cut.")
        valid, negatives = self.valid_edges.shape[1], self.valid_negatives.shape[1]
        if valid == 0 or negatives == 0 or negatives % valid:
            raise InvalidGraph(
                f"Each of the {valid} validation edges needs the same number of negatives, but there are {negatives}. "
                "Give validation edges, and k negatives for each, one edge's after the other's."
            )
        if self.features is None:
            return
        if self.features.shape[0] != self.num_nodes:
            raise InvalidGraph(
                f"features has {self.features.shape[0]} rows for {self.num_nodes} nodes. Give one row a node."
            )
        bad = (~torch.isfinite(self.features).all(dim=1)).nonzero()
        if bad.numel():
            raise InvalidGraph(
                f"{bad.numel()} rows of features hold NaN or infinity (first: node at position {int(bad[0])}). "
                "Fill them in, or leave the feature column out."
            )

    @property
    def message_edges(self) -> Tensor:
        """The edges the encoder sees in training and validation, [2, edges]."""
        if self.message_only_edges is None:
            return self.train_edges
        return torch.cat([self.train_edges, self.message_only_edges], 1)

    def adjacency(self) -> Adjacency:
        """Return the message graph."""
        return Adjacency.from_edges(self.message_edges, self.num_nodes)

    def never_negative(self) -> Tensor:
        """Return the sorted keys no training negative may have: the forbidden ones and the message edges."""
        keys: Tensor = torch.cat([self.forbidden_keys, pair_keys(self.message_edges, self.num_nodes)]).unique()
        return keys

    def to(self, device: torch.device) -> TrainingData:
        """Return the data on a device."""
        return TrainingData(
            num_nodes=self.num_nodes,
            features=None if self.features is None else self.features.to(device),
            train_edges=self.train_edges.to(device),
            forbidden_keys=self.forbidden_keys.to(device),
            valid_edges=self.valid_edges.to(device),
            valid_negatives=self.valid_negatives.to(device),
            message_only_edges=None if self.message_only_edges is None else self.message_only_edges.to(device),
        )
