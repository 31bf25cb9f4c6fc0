"""What the first layer reads: features, a learnable vector a node, or both."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from ncnc_core.dropout import Dropout
from ncnc_core.sparse_features import sparse_linear


class InputStage(nn.Module):
    """x = Dropout(Linear(Dropout(features))) + Dropout(embedding[ids]), each part only where it is asked for.

    Without `project` there is no Linear and the features keep their width: a published GCN has its own weights first.
    """

    def __init__(
        self,
        *,
        num_features: int,
        num_ids: int,
        channels: int,
        project: bool,
        feature_dropout: float,
        dropout: float,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.width = channels if num_ids or project else num_features
        self.feature_dropout, self.dropout = Dropout(feature_dropout), Dropout(dropout)
        self.linear = nn.Linear(num_features, channels) if num_features and (project or num_ids) else None
        self.embedding = nn.Embedding(num_ids, channels) if num_ids else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Make the vectors of the nodes orthogonal, as published."""
        if self.embedding is not None:
            nn.init.orthogonal_(self.embedding.weight)

    def forward(
        self, features: Float[Tensor, "nodes features"] | None, ids: Int64[Tensor, " nodes"] | None, num_nodes: int
    ) -> Float[Tensor, "nodes channels"]:
        """Return x; without `ids` a node's position is its id."""
        parts: list[Tensor] = []
        if self.num_features:
            parts.append(self._of_features(features))  # type: ignore[arg-type]  # num_features: there are some
        if self.embedding is not None:
            parts.append(self.dropout(known_rows(self.embedding.weight, ids, num_nodes)))
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]

    def _of_features(self, features: Tensor) -> Tensor:
        is_sparse = features.layout == torch.sparse_csr
        if self.linear is None:
            return self.feature_dropout(features.to_dense() if is_sparse else features)  # type: ignore[no-any-return]
        if is_sparse:
            return self.dropout(sparse_linear(features, self.linear, self.feature_dropout))  # type: ignore[no-any-return]
        return self.dropout(self.linear(self.feature_dropout(features)))  # type: ignore[no-any-return]


def known_rows(
    table: Float[Tensor, "ids channels"], ids: Int64[Tensor, " nodes"] | None, num_nodes: int
) -> Float[Tensor, "nodes channels"]:
    """Return each node's row of the table, zeros for an id past its end; without `ids`, the first `num_nodes` rows."""
    if ids is None:  # no gather, and so no scatter in the backward pass
        missing = max(num_nodes - table.shape[0], 0)
        return torch.cat([table, table.new_zeros(missing, table.shape[1])]) if missing else table[:num_nodes]
    known = ids < table.shape[0]
    rows = nn.functional.embedding(ids.clamp(max=table.shape[0] - 1), table)
    return rows * known.unsqueeze(-1)
