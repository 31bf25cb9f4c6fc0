"""How likely an unobserved common neighbour is, from the logit of the link that is missing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.node_lists import NodeLists


@dataclass(frozen=True, eq=False)
class AskedLinks:
    """The one-sided neighbours of some pairs, `sides`, and the logit of the link that each lacks, [entries of both]."""

    sides: list[NodeLists]
    logit: Tensor

    def weighed(self, weight: Callable[[Tensor], Tensor]) -> list[NodeLists]:
        """Return the neighbours, each with the weight that its logit gives, beside the weight that it has."""
        weights = weight(self.logit).split([lists.node.numel() for lists in self.sides])
        return [
            NodeLists(lists.row_pointer, lists.node, one if lists.weight is None else one * lists.weight)
            for lists, one in zip(self.sides, weights, strict=True)
        ]


def completion_weight(
    logit: Float[Tensor, " pairs"], *, scale: float, offset: float, alpha: float
) -> Float[Tensor, " pairs"]:
    """Turn an NCN logit into the weight of a possible, unobserved common neighbour.

    weight = alpha * sigmoid(scale * (logit - offset)), in [0, alpha].
    Source: Wang et al., Neural Common Neighbor with Completion, arXiv:2302.00890, with the prior folded (`fold_prior`).
    """
    return alpha * torch.sigmoid(scale * (logit - offset))


def fold_prior(scale: float, offset: float, prior: float) -> float:
    """Return the one offset that does what the published offset and prior do together: offset - ln(prior) / scale.

    prior * p / (prior * p + 1 - p) with p = sigmoid(scale * (logit - offset)) is sigmoid(scale * (logit - offset) +
    ln prior): the published constants are two for one, and the sigmoid of the sum does not overflow.

    Raises:
        InvalidGraph: the prior is not positive, or the scale is 0.
    """
    if prior <= 0 or scale == 0:
        raise InvalidGraph(
            f"A completion prior is above 0 and a scale is not 0, got prior {prior} and scale {scale}. "
            "Set completion_alpha: 0 to switch completion off."
        )
    return offset - math.log(prior) / scale
