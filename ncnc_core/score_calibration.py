"""From a model's logit to the probability that a pair is an edge."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ncnc_core.errors import InvalidGraph


@dataclass(frozen=True)
class ScoreCalibration:
    """Platt's scaling, fitted at even odds of edges and other pairs."""

    scale: float
    offset: float

    def probability(self, logits: Float[Tensor, " pairs"], prior: float = 0.5) -> Float[Tensor, " pairs"]:
        """Return sigmoid(scale * logit + offset + ln(prior / (1 - prior))), prior the share of edges among the pairs.

        Raises:
            InvalidGraph: the prior is no number between 0 and 1.
        """
        if not 0 < prior < 1:
            raise InvalidGraph(f"A prior lies between 0 and 1, but it is {prior}. Give the share of edges expected.")
        return torch.sigmoid(self.scale * logits + self.offset + math.log(prior / (1 - prior)))
