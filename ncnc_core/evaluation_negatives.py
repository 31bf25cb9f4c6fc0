"""What each test edge is ranked against: equal shares of several kinds, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Int64
from torch import Tensor

from ncnc_core.adjacency import Adjacency
from ncnc_core.hard_negatives import hard_negatives
from ncnc_core.negative_kinds import EvaluationNegative
from ncnc_core.negative_sampling import corrupted_negatives


def evaluation_negatives(
    positives: Int64[Tensor, "2 positives"],
    per_positive: int,
    forbidden: Int64[Tensor, " keys"],
    generator: torch.Generator,
    *,
    kinds: Sequence[EvaluationNegative],
    adjacency: Adjacency,
    seed: int = 0,
) -> Int64[Tensor, "2 negatives"]:
    """Draw the negatives of each positive: those of the first kind, then those of the next, `per_positive` in all.

    uniform: any node at one end; degree_matched: one of a like degree in `adjacency`; hard: one that is near, see
    `hard_negatives`. The negatives of positive b are consecutive; the number of kinds divides `per_positive`. None is
    a `forbidden` pair. What `adjacency` holds decides, so it must be no later than what is ranked.
    """
    share = per_positive // len(kinds)
    parts = []
    for kind in kinds:
        if kind == "hard":
            part = hard_negatives(positives, share, forbidden, generator, adjacency=adjacency, seed=seed)
        else:
            part = corrupted_negatives(
                positives,
                share,
                forbidden,
                generator,
                num_nodes=adjacency.num_nodes,
                kind=kind,
                degree=adjacency.degree,
            )
        parts.append(part.reshape(2, -1, share))
    return torch.cat(parts, dim=2).reshape(2, -1)
