"""The test edges apart by whether both ends have a message edge: warm ones, and cold ones with what they can reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from torch import Tensor

from ncnc_core.evaluation.attainable_ranks import attainable_reciprocal_ranks
from ncnc_core.evaluation.score_calibration import ScoreCalibration
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.edge_history import EdgeHistory
from ncnc_core.splits.known_nodes import nodes_known_by
from pipeline.evaluation.comparison import Comparison, FreshPairs
from pipeline.evaluation.slices import Slice
from pipeline.params.params import EvaluateParams
from pipeline.records.evaluation import EdgesApart, WarmAndCold


def unknown_nodes(graph: Adjacency, history: EdgeHistory, cut_valid: datetime | None) -> Tensor:
    """Return which nodes nothing is known of: no message edge, and no edge by the cut that was removed since."""
    alone = graph.degree == 0
    return alone if cut_valid is None else alone & ~nodes_known_by(history, int(cut_valid.timestamp()))


def warm_and_cold(
    pairs: FreshPairs,
    slices: tuple[Slice, ...],
    outcome: Comparison,
    params: EvaluateParams,
    calibrations: Mapping[str, ScoreCalibration],
    *,
    floor: Sequence[str],
    graph: Adjacency,
    unknown: Tensor | None,
) -> WarmAndCold:
    """Measure the warm edges and the slice `node_age/cold` apart, as the whole was measured; `floor` are names.

    `unknown` [nodes] are the nodes that no scorer can tell apart; None where features tell them apart, and then nothing
    is said about what a cold edge can reach.
    """
    [cold] = [part.member for part in slices if (part.kind, part.name) == ("node_age", "cold")]
    alone = (graph.degree[pairs.negatives] == 0).any(0)
    attainable = None
    if unknown is not None and cold.any():
        negatives = pairs.negatives.reshape(2, len(cold), -1)[:, cold].flatten(1)
        attainable = float(attainable_reciprocal_ranks(pairs.positives[:, cold], negatives, unknown).mean())
    return WarmAndCold(
        negatives_without_edge=float(alone.double().mean()),
        warm=_apart(outcome, ~cold, pairs.positives, params, calibrations, floor),
        cold=_apart(outcome, cold, pairs.positives, params, calibrations, floor),
        cold_attainable_mrr=attainable,
    )


def _apart(
    outcome: Comparison,
    member: Tensor,
    positives: Tensor,
    params: EvaluateParams,
    calibrations: Mapping[str, ScoreCalibration],
    floor: Sequence[str],
) -> EdgesApart | None:
    if not member.any():
        return None
    part = outcome.on(member, positives, params, calibrations)
    return EdgesApart(
        num_edges=int(member.sum()),
        challenger=part.scores["challenger"],
        champion=part.scores.get("champion"),
        floor=tuple(part.scores[name] for name in floor),
        paired=part.paired,
        over_floor=part.over(floor, positives[:, member], params),
    )
