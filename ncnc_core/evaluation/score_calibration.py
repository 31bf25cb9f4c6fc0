"""From a model's logit to the probability that a pair is an edge."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, xlogy
from torch import Tensor

from ncnc_core.errors import InvalidGraph


@dataclass(frozen=True)
class ScoreCalibration:
    """Platt's scaling, fitted at even odds of edges and other pairs."""

    scale: float
    offset: float

    def probability(self, logits: Float[Tensor, " pairs"], prior: float = 0.5) -> Float[Tensor, " pairs"]:
        """Return sigmoid(scale * logit + offset + ln(prior / (1 - prior))), prior the share of edges among the pairs.

        At 0.5 it is the chance against one other pair. Another prior moves the odds by Bayes' rule, as long as edges
        and other pairs each look as those the calibration was fitted on.

        Raises:
            InvalidGraph: the prior is no number between 0 and 1.
        """
        if not 0 < prior < 1:
            raise InvalidGraph(f"A prior lies between 0 and 1, but it is {prior}. Give the share of edges expected.")
        return torch.sigmoid(self.scale * logits + self.offset + math.log(prior / (1 - prior)))


def fitted(calibration: ScoreCalibration | None) -> ScoreCalibration:
    """Return a model's calibration.

    Raises:
        InvalidGraph: there is none, as in models that were saved before there was one.
    """
    if calibration is None:
        raise InvalidGraph("The model has no calibration (None), so it states no probability. Use scores, or retrain.")
    return calibration


def fit_calibration(positive: Float[Tensor, " positives"], negative: Float[Tensor, " negatives"]) -> ScoreCalibration:
    """Fit scale >= 0 and offset to the logits of edges and of other pairs, each kind weighing half.

    Minimises the mean log loss against Platt's targets, (n + 1) / (n + 2) for edges and 1 / (m + 2) for the others:
    they keep the scale finite where the two kinds do not overlap. The scale is not negative, so that calibrating never
    changes a ranking. Source: Platt, Probabilistic outputs for support vector machines, 1999.

    Raises:
        InvalidGraph: one kind is missing, or a logit is no finite number.
    """
    kinds = [logits.detach().double().cpu().numpy().ravel() for logits in (positive, negative)]
    broken = sum(int((~np.isfinite(logits)).sum()) for logits in kinds)
    if broken or not all(len(logits) for logits in kinds):
        raise InvalidGraph(
            f"A calibration needs finite scores of edges and of other pairs, but got {len(kinds[0])} and "
            f"{len(kinds[1])}, {broken} of them not finite. Score at least one pair of each kind."
        )
    logits = np.concatenate(kinds)
    target = np.repeat([(len(kinds[0]) + 1) / (len(kinds[0]) + 2), 1 / (len(kinds[1]) + 2)], [*map(len, kinds)])
    weight = np.repeat([0.5 / len(kinds[0]), 0.5 / len(kinds[1])], [*map(len, kinds)])
    centre, spread = float(logits.mean()), float(logits.std()) or 1.0
    unit = (logits - centre) / spread  # so that one step length fits logits of any size

    def loss(at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        stated = expit(at[0] * unit + at[1])
        value = -(weight * (xlogy(target, stated) + xlogy(1 - target, 1 - stated))).sum()
        slope = weight * (stated - target)
        return float(value), np.array([(slope * unit).sum(), slope.sum()])

    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(0.0, None), (None, None)]).x
    scale = float(found[0]) / spread
    return ScoreCalibration(scale, float(found[1]) - scale * centre)
