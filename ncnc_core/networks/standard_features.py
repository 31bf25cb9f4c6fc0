"""Node features brought to one scale: each column less its mean, over its deviation, as training knew them."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

LARGEST_BAG_SHARE = 0.1  # of values that are not zero; up to it features are bags of words, and stay as they are
FARTHEST = 10.0  # deviations; what lies farther out counts as just that far
RESOLUTION = 1e-7  # of float32: a deviation below this share of the mean is rounding, and the column constant


class StandardFeatures(nn.Module):
    """Standardise dense features by statistics that are buffers: saved, loaded and moved with the weights.

    A row of zeros is a node without features. It stays zero, which is the mean of every column. A column that was
    constant in training says nothing, and is zero.
    """

    mean: Tensor
    rate: Tensor

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("rate", torch.ones(num_features))

    def fit(self, features: Float[Tensor, "nodes features"], chosen: Bool[Tensor, " nodes"]) -> None:
        """Take the statistics of the chosen nodes that have features; where there are none, change nothing."""
        features = features.to_dense()[chosen]
        rows = features[(features != 0).any(1)].double()
        if not rows.shape[0]:
            return
        mean, deviation = rows.mean(0), rows.std(0, correction=0)
        varies = deviation > RESOLUTION * rows.abs().amax(0)
        self.mean.copy_(mean)
        self.rate.copy_(torch.where(varies, 1 / deviation, 0.0))

    def forward(self, features: Float[Tensor, "nodes features"]) -> Float[Tensor, "nodes features"]:
        """Return the features in deviations from the mean, at most FARTHEST."""
        features = features.to_dense()
        scaled = ((features - self.mean) * self.rate).clamp(-FARTHEST, FARTHEST)
        return torch.where((features != 0).any(1, keepdim=True), scaled, 0.0)


def are_measurements(features: Tensor | None) -> bool:
    """Say whether features are numbers of a scale: dense floats, most of which are not zero."""
    if features is None or features.layout != torch.strided or features.dim() != 2:
        return False
    return int(torch.count_nonzero(features)) > LARGEST_BAG_SHARE * features.numel()
