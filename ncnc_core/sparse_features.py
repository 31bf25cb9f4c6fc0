"""Features that are mostly zeros, such as bags of words, multiplied by their nonzeros alone."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ncnc_core.dropout import Dropout
from ncnc_core.ragged_sum import ragged_sum

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
