"""The negatives each test edge is ranked against: uniform, degree-matched and hard ones in equal shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from ncnc_core.config.choices import DrawnNegative, EvaluationNegative
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.kernels import hard_candidates as kernels
from ncnc_core.kernels.thread_slices import in_slices
from ncnc_core.splits.negatives import corrupted_negatives, source_kept


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
            part = _corrupted(kind, positives, share, forbidden, generator, adjacency)
        parts.append(part.reshape(2, -1, share))
    return torch.cat(parts, dim=2).reshape(2, -1)


def _corrupted(
    kind: DrawnNegative,
    positives: Tensor,
    per_positive: int,
    forbidden: Tensor,
    generator: torch.Generator,
    adjacency: Adjacency,
) -> Tensor:
    n, degree = adjacency.num_nodes, adjacency.degree
    return corrupted_negatives(positives, per_positive, forbidden, generator, num_nodes=n, kind=kind, degree=degree)


TELEPORT = 0.15
PUSH_UNTIL = 1e-5  # residual per degree that is not pushed on: a push stays near, however large the graph


def hard_negatives(
    positives: Int64[Tensor, "2 positives"],
    per_positive: int,
    forbidden: Int64[Tensor, " keys"],
    generator: torch.Generator,
    *,
    adjacency: Adjacency,
    seed: int = 0,
) -> Int64[Tensor, "2 negatives"]:
    """Replace one end of each positive by the nodes nearest to the other one; the negatives of positive b consecutive.

    Half of the slots keep each end, see `source_kept`. Candidates are ranked twice on `adjacency`, by resource
    allocation and by personalised PageRank from the end that is kept; the better rank counts, see `hard_candidates`.
    Never a forbidden pair; no node stands twice beside the same end of a positive. Where an end has too few candidates
    (a new node has none) degree-matched negatives fill its slots, which the generator draws.
    Cost: for each distinct end, its neighbours' degrees and at most 1 / (PUSH_UNTIL * TELEPORT) steps.
    Source: Li et al., Evaluating Graph Neural Networks for Link Prediction, arXiv:2306.10453 (which also ranks by
    feature similarity where there are features).

    Raises:
        InvalidGraph: some positive has no negative at either end (`has_negative`).
    """
    ends, place = positives.flatten().unique(return_inverse=True)
    found = hard_partners(adjacency, ends, (per_positive + 1) // 2, forbidden, seed)
    slot = torch.arange(per_positive, device=positives.device)
    keeps_source = source_kept(positives.shape[1], per_positive, generator).to(positives.device)
    of_source, of_target = place.reshape(2, -1, 1)
    partner = found[torch.where(keeps_source, of_source, of_target), slot // 2]  # [positives, per_positive]
    source, target = positives.unsqueeze(2)
    negatives = torch.stack([torch.where(keeps_source, source, partner), torch.where(keeps_source, partner, target)])
    missing = partner < 0  # [positives, per_positive]
    short = missing.any(1)
    if short.any():
        filler = _corrupted("degree_matched", positives[:, short], per_positive, forbidden, generator, adjacency)
        negatives[:, short] = torch.where(missing[short], filler.reshape(2, -1, per_positive), negatives[:, short])
    return negatives.reshape(2, -1)


def hard_partners(
    adjacency: Adjacency, nodes: Int64[Tensor, " nodes"], wanted: int, forbidden: Int64[Tensor, " keys"], seed: int
) -> Int64[Tensor, "nodes wanted"]:
    """Return the hardest partners of each node that it is not forbidden to have, -1 where there are no more."""
    graph = [tensor.cpu().numpy() for tensor in (adjacency.row_pointer, adjacency.column, forbidden, nodes)]
    found = torch.empty(len(nodes), wanted, dtype=torch.int64, device="cpu")
    filled = found.numpy()

    def loop(start: int, stop: int) -> None:
        kernels.hard_candidates(*graph, start, stop, TELEPORT, PUSH_UNTIL, np.uint64(seed), filled)

    in_slices(loop, len(nodes))
    return found.to(nodes.device)
