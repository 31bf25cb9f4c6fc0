"""How likely an unobserved common neighbour is, from the logit of the link that is missing."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor


def completion_weight(
    logit: Float[Tensor, " pairs"], *, scale: float, offset: float, prior: float, alpha: float
) -> Float[Tensor, " pairs"]:
    r"""Turn an NCN logit into the weight of a possible, unobserved common neighbour.

    p = sigmoid(scale * (logit - offset));  weight = alpha * prior * p / (prior * p + 1 - p), in [0, alpha].
    Computed as alpha * sigmoid(scale * (logit - offset) + ln prior), which is the same and does not overflow.
    Source: Wang et al., Neural Common Neighbor with Completion, arXiv:2302.00890.
    """
    return alpha * torch.sigmoid(scale * (logit - offset) + math.log(prior))
