"""What the first layer reads: features (dense or sparse), a learnable vector a node, or both."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from ncnc_core.graph.ragged_sum import ragged_sum
from ncnc_core.networks.dropout import Dropout


class InputStage(nn.Module):
    """x = Dropout(Linear(Dropout(features))) + Dropout(embedding[ids]), each part only where it is configured.

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


LARGEST_SHARE = 0.1  # of nonzeros; above it the dense product, which reads memory in order, is about as fast
SMALLEST_SIZE = 2**16  # values; below it there is nothing to be won


# PyG's own layers take sparse features by way of torch.sparse, whose product gives the weights a dense gradient
# through a slower kernel and knows no dropout of the nonzeros.
def compressed(features: Tensor | None) -> Tensor | None:
    """Return dense float features as compressed sparse rows where they are mostly zeros and on a CPU, else as given.

    To be called once a graph: it reads every value. What is sparse already stays so.
    """
    if features is None or features.layout != torch.strided or features.dim() != 2 or features.device.type != "cpu":
        return features
    if not features.is_floating_point() or features.numel() < SMALLEST_SIZE:
        return features
    is_sparse = int(torch.count_nonzero(features)) <= LARGEST_SHARE * features.numel()
    return features.to_sparse_csr() if is_sparse else features


def sparse_linear(features: Tensor, linear: nn.Linear, dropout: Dropout) -> Float[Tensor, "nodes channels"]:
    """Return linear(dropout(features)) for float features in compressed sparse rows, differentiable in the weights.

    A zero stays zero under dropout, so dropping nonzeros alone is the same distribution; those dropped are left out of
    the sum. O(nonzeros * channels): on Cora 1.3 % of the dense product, forward and backward.
    """
    pointer, column, value = features.crow_indices(), features.col_indices(), dropout(features.values())
    if dropout.training and dropout.p:
        kept = value != 0
        before = torch.zeros(value.numel() + 1, dtype=torch.int64, device=value.device)
        torch.cumsum(kept, 0, out=before[1:])
        pointer, column, value = before[pointer], column[kept], value[kept]
    product = ragged_sum(linear.weight.t().contiguous(), pointer, column, value)
    return product if linear.bias is None else product + linear.bias
