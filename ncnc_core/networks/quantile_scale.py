"""Features of any distribution brought to one scale, twice: in deviations from the mean, and by rank."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

KNOTS = 65
FARTHEST = 4.0  # deviations; what lies farther out counts as just that far


class QuantileScale(nn.Module):
    """Two columns for each feature: its standard score, and its place among the quantiles of training, -1 to 1.

    The statistics are buffers: saved, loaded and moved with the weights. Quantiles spread what a logarithm leaves in a
    heap, and standard scores keep distances. A feature that was constant in training is zero in both.
    """

    mean: Tensor
    rate: Tensor
    knots: Tensor

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("rate", torch.ones(num_features))
        self.register_buffer("knots", torch.linspace(-1, 1, KNOTS).repeat(num_features, 1))  # [features, KNOTS]

    def fit(self, values: Float[Tensor, "rows features"]) -> None:
        """Take the statistics of training."""
        deviation = values.double().std(0, correction=0)
        self.mean.copy_(values.double().mean(0))
        self.rate.copy_(torch.where(deviation > 1e-6, 1 / deviation, 0.0))
        ordered = values.sort(0).values
        place = torch.linspace(0, values.shape[0] - 1, KNOTS, dtype=torch.float64).round().long()
        self.knots.copy_(ordered[place.to(values.device)].T)

    def forward(self, values: Float[Tensor, "rows features"]) -> Float[Tensor, "rows doubled"]:
        """Return the standard scores, then the places: [rows, 2 * features]."""
        standard = ((values - self.mean) * self.rate).clamp(-FARTHEST, FARTHEST)
        across = values.T.contiguous()  # [features, rows]
        upper = torch.searchsorted(self.knots, across, right=True).clamp(1, KNOTS - 1)
        low, high = self.knots.gather(1, upper - 1), self.knots.gather(1, upper)
        share = ((across - low) / (high - low).clamp(min=1e-12)).clamp(0, 1)
        place = ((upper - 1 + share) / (KNOTS - 1) * 2 - 1).T
        return torch.cat([standard, torch.where(self.rate > 0, place, 0.0)], 1)
