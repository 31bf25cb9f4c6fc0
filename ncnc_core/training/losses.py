"""What training minimises: the binary loss of the paper, and losses that rank a positive over its own negatives."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from ncnc_core.config.training import LossName


def positive_losses(
    loss: LossName,
    positive: Float[Tensor, " positives"],
    negative: Float[Tensor, "positives negatives"],
) -> Float[Tensor, " positives"]:
    """Return the loss of each positive and its own negatives; the mean over the positives is what is minimised.

    With s+ a positive's logit, s- those of its k negatives, and the mean over the k:
    bce        softplus(-s+) + mean softplus(s-), the binary cross-entropy, as published (arXiv:2302.00890)
    auc        mean (1 - (s+ - s-))^2 (Gao and Zhou, On the Consistency of AUC Pairwise Optimization, 2015)
    hinge_auc  mean max(0, 1 - (s+ - s-))^2: the same, and no pull on a pair that is a unit apart already (Wang et al.,
               Pairwise Learning for Neural Link Prediction, arXiv:2112.02936)
    listwise   bce - log softmax of s+ among its negatives: the order of the list, and a logit that means a probability
               (Cao et al., Learning to Rank: From Pairwise Approach to Listwise Approach, 2007)
    log_rank   mean softplus(-(s+ - s-)), the chance of the right order as a logistic (Burges et al., RankNet, 2005)
    A mean of means over the same k is the mean over all, so bce weighs negatives as the published code does.
    """
    if loss in ("bce", "listwise"):
        binary = softplus(-positive) + softplus(negative).mean(1)
        if loss == "bce":
            return binary
        return binary - torch.cat([positive[:, None], negative], 1).log_softmax(1)[:, 0]
    margin = positive[:, None] - negative  # [positives, negatives]
    match loss:
        case "auc":
            return (1 - margin).square().mean(1)
        case "hinge_auc":
            return (1 - margin).clamp(min=0).square().mean(1)
        case _:
            return softplus(-margin).mean(1)
