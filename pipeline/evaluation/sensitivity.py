"""How much the figures hang on single message edges: the same test pairs on graphs with some removed or added."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import get_args

import torch
from scipy.stats import spearmanr
from torch import Tensor

from ncnc_core.config.choices import GraphChange
from ncnc_core.evaluation.edge_mean import edge_means
from ncnc_core.evaluation.ranking import reciprocal_ranks
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.perturbed_graph import perturbed
from pipeline.evaluation.comparison import FreshPairs, ScoredPairs, sampled
from pipeline.evaluation.cost import CostMeter
from pipeline.evaluation.scored_input import GraphScorer
from pipeline.params.params import EvaluateParams
from pipeline.records.evaluation import SensitivityResult
from pipeline.records.scores import Interval


@dataclass(frozen=True, eq=False)
class ChangedGraph:
    """The message graph after a share of its edges was removed, or as many added."""

    change: GraphChange
    share: float
    graph: Adjacency


def sensitivity(
    pairs: FreshPairs,
    scorers: Mapping[str, GraphScorer],
    scored: Mapping[str, ScoredPairs],
    params: EvaluateParams,
    *,
    meter: CostMeter | None = None,
) -> tuple[SensitivityResult, ...]:
    """Score a sample of the test edges, with their negatives, on the message graph changed at random.

    Every scorer gets the same changed graphs and the same sample of at most `params.sensitivity_edges` edges, both
    drawn from `params.seed`. The figures decide nothing: a fall that is large beside the unchanged value says that the
    ranking rests on few edges.
    """
    generator = torch.Generator().manual_seed(params.seed)
    chosen = torch.randperm(pairs.positives.shape[1], generator=generator)[: params.sensitivity_edges]
    sample, meter = sampled(pairs, chosen), meter or CostMeter()
    count = sample.positives.shape[1] + sample.negatives.shape[1]
    results = []
    for changed in _changes(next(iter(scorers.values())).graph, params, generator):
        for name, scorer in scorers.items():
            with meter.part("sensitivity", count):
                before = scored[name]
                was = ScoredPairs(before.positive[chosen], before.negative[chosen], before.ranks[chosen])
                results.append(_result(name, scorer, was, sample, changed, params))
    return tuple(results)


def _changes(graph: Adjacency, params: EvaluateParams, generator: torch.Generator) -> Iterator[ChangedGraph]:
    if not graph.num_edges:
        return
    for change, share in product(get_args(GraphChange), params.sensitivity_shares):
        yield ChangedGraph(change, share, perturbed(graph, change, share, generator))


def _result(
    name: str,
    scorer: GraphScorer,
    before: ScoredPairs,
    sample: FreshPairs,
    changed: ChangedGraph,
    params: EvaluateParams,
) -> SensitivityResult:
    positive = scorer.score(sample.positives, changed.graph, scorer.features).double()
    negative = scorer.score(sample.negatives, changed.graph, scorer.features).double().view_as(before.negative)
    ranks = reciprocal_ranks(positive, negative)
    value = edge_means(ranks[None], sample.positives, confidence=params.confidence)[0].interval
    return SensitivityResult(
        scorer=name,
        change=changed.change,
        share=changed.share,
        metric="mrr",
        value=Interval.of(value),
        unchanged=float(before.ranks.mean()),
        rank_correlation=_rank_correlation(
            torch.cat([before.positive, before.negative.flatten()]), torch.cat([positive, negative.flatten()])
        ),
    )


def _rank_correlation(before: Tensor, after: Tensor) -> float:
    """Return Spearman's correlation; 1 where both are constant, 0 where only one is, for which it is not defined."""
    flat = [float(scores.min()) == float(scores.max()) for scores in (before, after)]
    if any(flat):
        return float(all(flat))
    return float(spearmanr(before.numpy(), after.numpy()).statistic)
