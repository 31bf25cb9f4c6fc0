"""Several scorers on the same pairs: the fresh ones, every metric with its interval, and the paired difference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import torch
from torch import Tensor

from ncnc_core.evaluation.calibration_metrics import calibration_metrics
from ncnc_core.evaluation.edge_mean import paired_difference
from ncnc_core.evaluation.ranking import rank_intervals, reciprocal_ranks
from ncnc_core.evaluation.score_calibration import ScoreCalibration
from pipeline.evaluation.cost import CostMeter
from pipeline.evaluation.scored_input import GraphScorer, ScoredInput, scored_input
from pipeline.params.params import EvaluateParams
from pipeline.records.scores import Interval, ModelScores, PairedComparison, ReliabilityBin
from pipeline.splits.arrays import SplitArrays

Scorer = Callable[[Tensor], Tensor]  # pairs [2, p] -> scores [p]


@dataclass(frozen=True, eq=False)
class FreshPairs:
    """The pairs a comparison is made on: positives [2, p] and their own negatives [2, p * k], consecutive.

    `first_seen` [p] is when each positive first was, unix seconds.

    Where every test edge was seen by the champion, `num_fresh` is 0 and the pairs are all test edges: figures to look
    at, which the gate's minimum keeps from deciding anything.
    """

    positives: Tensor
    negatives: Tensor
    first_seen: Tensor
    num_fresh: int
    num_seen: int
    note: str


@dataclass(frozen=True, eq=False)
class ScoredPairs:
    """What one scorer made of the pairs: positive [p], negative [p, k], and the reciprocal rank of each positive."""

    positive: Tensor
    negative: Tensor
    ranks: Tensor

    def of(self, member: Tensor) -> ScoredPairs:
        """Return what was made of some of the positives, a mask [p], and of their negatives."""
        return ScoredPairs(self.positive[member], self.negative[member], self.ranks[member])


@dataclass(frozen=True, eq=False)
class Comparison:
    """Each scorer's metrics by name, and challenger minus champion per edge, where there is a champion.

    `scored` is what the metrics are made of, and `given` the digests of what each scorer with a message graph was
    handed.
    """

    scores: Mapping[str, ModelScores]
    paired: PairedComparison | None
    given: Mapping[str, ScoredInput]
    scored: Mapping[str, ScoredPairs]

    def over(self, others: Iterable[str], positives: Tensor, params: EvaluateParams) -> dict[str, PairedComparison]:
        """Return challenger minus each of the other scorers, as `paired_comparison` has it."""
        own = self.scored["challenger"].ranks
        return {
            name: paired_comparison(own, self.scored[name].ranks, positives, confidence=params.confidence)
            for name in others
        }

    def scores_of(
        self,
        name: str,
        member: Tensor,
        positives: Tensor,
        params: EvaluateParams,
        calibration: ScoreCalibration | None,
    ) -> ModelScores:
        """Return one scorer's metrics on some of the positives [2, p], a mask [p]."""
        return _with_intervals(name, self.scored[name].of(member), calibration, positives[:, member], params)

    def difference(
        self, one: str, other: str, member: Tensor, positives: Tensor, params: EvaluateParams
    ) -> PairedComparison | None:
        """Return one scorer minus another on some of the positives [2, p], a mask [p]; None where it is empty."""
        if one not in self.scored or other not in self.scored or not member.any():
            return None
        first, second = (self.scored[name].ranks[member] for name in (one, other))
        return paired_comparison(first, second, positives[:, member], confidence=params.confidence)

    def on(
        self, member: Tensor, positives: Tensor, params: EvaluateParams, calibrations: Mapping[str, ScoreCalibration]
    ) -> Comparison:
        """Return the comparison on some of the positives [2, p], a mask [p], from the same scores."""
        edges = positives[:, member]
        scored = {name: one.of(member) for name, one in self.scored.items()}
        scores = {
            name: _with_intervals(name, one, calibrations.get(name), edges, params) for name, one in scored.items()
        }
        paired = None
        if "champion" in scored:
            ranks = (scored["challenger"].ranks, scored["champion"].ranks)
            paired = paired_comparison(*ranks, edges, confidence=params.confidence)
        return Comparison(scores, paired, self.given, scored)


def fresh_pairs(arrays: SplitArrays, champion_as_of: datetime | None) -> FreshPairs:
    """Return the test edges that the champion cannot have seen: those first seen after its snapshot.

    A snapshot's edges are all seen: as message edges of the served graph, as training or validation pairs, or as pairs
    of the gate that chose the model.
    """
    count = arrays.test.shape[1]
    per_edge = arrays.test_negatives.shape[1] // max(count, 1)
    if champion_as_of is None:
        return FreshPairs(arrays.test, arrays.test_negatives, arrays.test_first_seen, count, 0, "")
    fresh = arrays.test_first_seen > int(champion_as_of.timestamp())
    num_fresh = int(fresh.sum())
    if num_fresh == 0:
        note = f"the champion has seen all {count} test edges: these figures decide nothing"
        return FreshPairs(arrays.test, arrays.test_negatives, arrays.test_first_seen, 0, count, note)
    negatives = arrays.test_negatives.reshape(2, count, per_edge)[:, fresh].reshape(2, -1)
    return FreshPairs(arrays.test[:, fresh], negatives, arrays.test_first_seen[fresh], num_fresh, count - num_fresh, "")


def sampled(pairs: FreshPairs, chosen: Tensor) -> FreshPairs:
    """Return some of the positives, by their places [chosen], with their negatives."""
    negatives = pairs.negatives.view(2, pairs.positives.shape[1], -1)[:, chosen].flatten(1)
    return replace(
        pairs, positives=pairs.positives[:, chosen], negatives=negatives, first_seen=pairs.first_seen[chosen]
    )


def compare(
    pairs: FreshPairs,
    scorers: Mapping[str, Scorer],
    params: EvaluateParams,
    *,
    calibrations: Mapping[str, ScoreCalibration] | None = None,
    meter: CostMeter | None = None,
) -> Comparison:
    """Score the same pairs with every scorer; the paired difference is challenger minus champion in reciprocal rank.

    Edges that share a node are not independent, and every interval allows for that: see `edge_means`. A scorer with a
    calibration is measured as a probability too.
    """
    meter = meter or CostMeter()
    count = pairs.positives.shape[1] + pairs.negatives.shape[1]
    scored: dict[str, ScoredPairs] = {}
    scores: dict[str, ModelScores] = {}
    given: dict[str, ScoredInput] = {}
    for name, scorer in scorers.items():
        if isinstance(scorer, GraphScorer):
            given[name] = scored_input(scorer, pairs.positives, pairs.negatives)
        with meter.part(f"scoring {name}", count):
            scored[name] = scored_pairs(pairs, scorer)
        with meter.part("intervals", count):
            scores[name] = _with_intervals(name, scored[name], (calibrations or {}).get(name), pairs.positives, params)
    if "champion" not in scored:
        return Comparison(scores, None, given, scored)
    with meter.part("paired difference", pairs.positives.shape[1]):
        ranks = (scored["challenger"].ranks, scored["champion"].ranks)
        paired = paired_comparison(*ranks, pairs.positives, confidence=params.confidence)
    return Comparison(scores, paired, given, scored)


def scored_pairs(pairs: FreshPairs, scorer: Scorer) -> ScoredPairs:
    """Score the positives, and then their negatives, each in one call."""
    positive = scorer(pairs.positives).double()
    negative = scorer(pairs.negatives).double().reshape(positive.numel(), -1)
    return ScoredPairs(positive, negative, reciprocal_ranks(positive, negative))


def _with_intervals(
    name: str, scored: ScoredPairs, calibration: ScoreCalibration | None, positives: Tensor, params: EvaluateParams
) -> ModelScores:
    found = rank_intervals(scored.positive, scored.negative, positives, confidence=params.confidence)
    if calibration is None:
        return ModelScores(name=name, metrics={key: Interval.of(value) for key, value in found.items()})
    stated = calibration_metrics(
        calibration.probability(scored.positive),
        calibration.probability(scored.negative.flatten()).view_as(scored.negative),
        positives,
        samples=params.bootstrap_samples,
        confidence=params.confidence,
        generator=torch.Generator().manual_seed(params.seed),
    )
    found = {**found, "brier": stated.brier, "ece": stated.ece}
    return ModelScores(
        name=name,
        metrics={key: Interval.of(value) for key, value in found.items()},
        reliability=tuple(ReliabilityBin(**part._asdict()) for part in stated.bins),
    )


def against_control(outcome: Comparison, positives: Tensor, params: EvaluateParams) -> Interval | None:
    """Return challenger minus cold-start control, as `paired_comparison` has it; None where there is no control.

    An interval below zero says that beginning with the champion's weights, night after night, has cost quality. The
    record keeps it as `drift`.
    """
    if "cold_control" not in outcome.scored:
        return None
    return outcome.over(["cold_control"], positives, params)["cold_control"].difference


def paired_comparison(
    challenger: Tensor, champion: Tensor, positives: Tensor, *, confidence: float
) -> PairedComparison:
    """Compare the reciprocal ranks [p] of two models on the same test edges [2, p], or on a slice of them."""
    found = paired_difference(challenger, champion, positives, confidence=confidence)
    return PairedComparison(
        metric="mrr",
        difference=Interval.of(found.interval),
        p_value=found.p_value,
        resampled_by=found.resampled_by,
        by_edge=Interval.of(found.by_edge),
        by_node=Interval.of(found.by_node),
        num_edges=found.num_edges,
        num_nodes=found.num_nodes,
    )
