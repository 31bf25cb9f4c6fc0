"""Several scorers on the same pairs: the fresh ones, every metric with its interval, and the paired difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import torch
from torch import Tensor

from ncnc_core.bootstrap import MetricInterval
from ncnc_core.ranking import rank_intervals, reciprocal_ranks
from pipeline.evaluation_parts import PairedComparison
from pipeline.paired_difference import paired_comparison
from pipeline.params import EvaluateParams
from pipeline.records import Interval, ModelScores
from pipeline.scored_input import GraphScorer, ScoredInput, scored_input
from pipeline.split_arrays import SplitArrays

Scorer = Callable[[Tensor], Tensor]  # pairs [2, p] -> scores [p]


@dataclass(frozen=True, eq=False)
class FreshPairs:
    """The pairs a comparison is made on: positives [2, p] and their own negatives [2, p * k], consecutive.

    Where every test edge was seen by the champion, `num_fresh` is 0 and the pairs are all test edges: figures to look
    at, which the gate's minimum keeps from deciding anything.
    """

    positives: Tensor
    negatives: Tensor
    num_fresh: int
    num_seen: int
    note: str


@dataclass(frozen=True)
class Comparison:
    """Each scorer's metrics by name, and challenger minus champion per edge, where there is a champion.

    `given` are the digests of what each scorer with a message graph was handed.
    """

    scores: Mapping[str, ModelScores]
    paired: PairedComparison | None
    given: Mapping[str, ScoredInput]


def fresh_pairs(arrays: SplitArrays, champion_as_of: datetime | None) -> FreshPairs:
    """Return the test edges that the champion cannot have seen: those first seen after its snapshot.

    A snapshot's edges are all seen: as message edges of the served graph, as training or validation pairs, or as pairs
    of the gate that chose the model.
    """
    count = arrays.test.shape[1]
    per_edge = arrays.test_negatives.shape[1] // max(count, 1)
    if champion_as_of is None:
        return FreshPairs(arrays.test, arrays.test_negatives, count, 0, "")
    fresh = arrays.test_first_seen > int(champion_as_of.timestamp())
    num_fresh = int(fresh.sum())
    if num_fresh == 0:
        note = f"the champion has seen all {count} test edges: these figures decide nothing"
        return FreshPairs(arrays.test, arrays.test_negatives, 0, count, note)
    negatives = arrays.test_negatives.reshape(2, count, per_edge)[:, fresh].reshape(2, -1)
    return FreshPairs(arrays.test[:, fresh], negatives, num_fresh, count - num_fresh, "")


def compare(pairs: FreshPairs, scorers: Mapping[str, Scorer], params: EvaluateParams) -> Comparison:
    """Score the same pairs with every scorer; the paired difference is challenger minus champion in reciprocal rank.

    Edges that share a node are not independent. For the metrics, the resampling draws whole clusters of edges: those
    whose busier endpoint among the test edges is the same. The paired difference, which decides, leaves out nodes.
    """
    clusters = _busier_endpoint(pairs.positives)
    ranks: dict[str, Tensor] = {}
    scores: dict[str, ModelScores] = {}
    given: dict[str, ScoredInput] = {}
    for name, scorer in scorers.items():
        if isinstance(scorer, GraphScorer):
            given[name] = scored_input(scorer, pairs.positives, pairs.negatives)
        positive = scorer(pairs.positives).double()
        negative = scorer(pairs.negatives).double().reshape(positive.numel(), -1)
        ranks[name] = reciprocal_ranks(positive, negative)
        intervals = rank_intervals(
            positive,
            negative,
            samples=params.bootstrap_samples,
            confidence=params.confidence,
            generator=torch.Generator().manual_seed(params.seed),
            clusters=clusters,
        )
        scores[name] = ModelScores(name=name, metrics={key: _interval(value) for key, value in intervals.items()})
    if "champion" not in ranks:
        return Comparison(scores, None, given)
    paired = paired_comparison(ranks["challenger"], ranks["champion"], pairs.positives, confidence=params.confidence)
    return Comparison(scores, paired, given)


def _busier_endpoint(positives: Tensor) -> Tensor:
    degree = torch.bincount(positives.flatten())
    return torch.where(degree[positives[0]] >= degree[positives[1]], positives[0], positives[1])


def _interval(value: MetricInterval) -> Interval:
    return Interval(value=value.value, low=value.low, high=value.high)
