"""The negatives each test edge is ranked against: uniform, degree-matched, hard and historical in equal shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from ncnc_core.config.choices import DrawnNegative, EvaluationNegative
from ncnc_core.errors import InvalidGraph
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
    ended: Int64[Tensor, "2 ended"] | None = None,
    seed: int = 0,
    among: Bool[Tensor, " nodes"] | None = None,
) -> Int64[Tensor, "2 negatives"]:
    """Draw the negatives of each positive: those of the first kind, then those of the next, `per_positive` in all.

    uniform: any node at one end; degree_matched: one of a like degree in `adjacency`; hard: one that is near, see
    `hard_negatives`; historical: one that an end was once joined to, of the pairs in `ended`, see
    `historical_negatives`. The negatives of positive b are consecutive; the number of kinds divides `per_positive`.
    None but a historical one is a `forbidden` pair. `among` marks the nodes that may be drawn (None: any). What
    `adjacency` holds decides, so it must be no later than what is ranked.

    Raises:
        InvalidGraph: some positive has no negative at either end (`has_negative`), or `historical` has no `ended`.
    """
    share, count = per_positive // len(kinds), positives.shape[1]
    drawn = positives.new_empty(2, count, share * len(kinds))  # filled in place: no kind is held twice for long
    for number, kind in enumerate(kinds):
        if kind == "hard":
            part = hard_negatives(positives, share, forbidden, generator, adjacency=adjacency, seed=seed, among=among)
        elif kind == "historical":
            once = _required(ended)
            part = historical_negatives(
                positives, share, forbidden, generator, ended=once, adjacency=adjacency, among=among
            )
        else:
            part = _corrupted(kind, positives, share, forbidden, generator, adjacency, among)
        drawn[:, :, number * share : (number + 1) * share] = part.reshape(2, count, share)
        del part
    return drawn.reshape(2, -1)


def _required(ended: Tensor | None) -> Tensor:
    if ended is None:
        raise InvalidGraph(
            "Historical negatives are pairs that were an edge and are none any more, but ended is None. Pass these "
            "pairs, or leave historical out of the kinds."
        )
    return ended


def _corrupted(
    kind: DrawnNegative,
    positives: Tensor,
    per_positive: int,
    forbidden: Tensor,
    generator: torch.Generator,
    adjacency: Adjacency,
    among: Tensor | None,
) -> Tensor:
    return corrupted_negatives(
        positives,
        per_positive,
        forbidden,
        generator,
        num_nodes=adjacency.num_nodes,
        kind=kind,
        degree=adjacency.degree,
        among=among,
    )


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
    among: Bool[Tensor, " nodes"] | None = None,
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
    return _joined(positives, keeps_source, partner, forbidden, generator, adjacency, among)


def historical_negatives(
    positives: Int64[Tensor, "2 positives"],
    per_positive: int,
    forbidden: Int64[Tensor, " keys"],
    generator: torch.Generator,
    *,
    ended: Int64[Tensor, "2 ended"],
    adjacency: Adjacency,
    among: Bool[Tensor, " nodes"] | None = None,
) -> Int64[Tensor, "2 negatives"]:
    """Replace one end of each positive by nodes that the other one was once joined to; consecutive for each positive.

    `ended` are the pairs to take: edges of before, in either direction, that have ended. Half of the slots keep each
    end, see `source_kept`; no node stands twice beside the same end of a positive. Where an end has too few such
    partners (a new node has none) degree-matched negatives, which are no `forbidden` pairs, fill its slots.
    Cost: one sort of `ended`.
    Source: Poursafaei et al., Towards Better Evaluation for Dynamic Link Prediction, arXiv:2207.10128.

    Raises:
        InvalidGraph: some positive has no negative at either end (`has_negative`).
    """
    once = Adjacency.from_edges(ended, adjacency.num_nodes)
    keeps_source = source_kept(positives.shape[1], per_positive, generator).to(positives.device)
    partner = _once_joined(once, positives, keeps_source, generator)
    return _joined(positives, keeps_source, partner, forbidden, generator, adjacency, among)


def _once_joined(once: Adjacency, positives: Tensor, keeps_source: Tensor, generator: torch.Generator) -> Tensor:
    """Return for each slot a neighbour of its kept end, -1 where there are no more, [positives, per_positive].

    The rows are shuffled, and each positive begins in them where a draw says: the edges of one hub do not all get the
    same partners.
    """
    device = positives.device
    row = torch.arange(once.num_nodes, device=device).repeat_interleave(once.degree)
    order = torch.randperm(row.numel(), generator=generator).to(device)
    shuffled = torch.cat([once.column[order[row[order].argsort(stable=True)]], once.column.new_full((1,), -1)])
    begin = torch.rand(positives.shape, generator=generator, dtype=torch.float64).to(device)
    kept, replaced, begin = (
        torch.where(keeps_source, one[:, None], other[:, None])  # [positives, per_positive]
        for one, other in (positives, positives.flip(0), begin)
    )
    count, turn = once.degree[kept], torch.arange(keeps_source.shape[1], device=device) // 2
    place = once.row_pointer[kept] + ((begin * count).long() + turn).remainder(count.clamp(min=1))
    partner = shuffled[torch.where(turn < count, place, -1)]
    return torch.where(partner == replaced, -1, partner)


def _joined(
    positives: Tensor,
    keeps_source: Tensor,
    partner: Tensor,
    forbidden: Tensor,
    generator: torch.Generator,
    adjacency: Adjacency,
    among: Tensor | None,
) -> Tensor:
    """Put each partner [positives, per_positive] beside the end that is kept; degree-matched ones where it is -1."""
    per_positive = partner.shape[1]
    missing = partner < 0
    if among is not None:
        missing = missing | ~among[partner]
    source, target = positives.unsqueeze(2)
    negatives = torch.stack([torch.where(keeps_source, source, partner), torch.where(keeps_source, partner, target)])
    short = missing.any(1)
    if short.any():
        filler = _corrupted("degree_matched", positives[:, short], per_positive, forbidden, generator, adjacency, among)
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
