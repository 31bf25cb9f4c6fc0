"""How much the figures hang on single message edges: the same test pairs on graphs with some removed or added."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import get_args

import torch
from scipy.stats import spearmanr
from torch import Tensor

from ncnc_core.adjacency import Adjacency
from ncnc_core.bootstrap import bootstrap_mean
from ncnc_core.perturbed_graph import GraphChange, perturbed
from ncnc_core.ranking import reciprocal_ranks
from pipeline.comparison import FreshPairs, ScoredPairs, busier_endpoint
from pipeline.evaluation_parts import Interval, SensitivityResult
from pipeline.params import EvaluateParams
from pipeline.scored_input import GraphScorer


def sensitivity(
    pairs: FreshPairs,
    scorers: Mapping[str, GraphScorer],
    scored: Mapping[str, ScoredPairs],
    params: EvaluateParams,
) -> tuple[SensitivityResult, ...]:
    """Score a sample of the test edges, with their negatives, on the message graph changed at random.

    Every scorer gets the same changed graphs and the same sample of at most `params.sensitivity_edges` edges, both
    drawn from `params.seed`. The figures decide nothing: a fall that is large beside the unchanged value says that the
    ranking rests on few edges.
    """
    generator = torch.Generator().manual_seed(params.seed)
    chosen = torch.randperm(pairs.positives.shape[1], generator=generator)[: params.sensitivity_edges]
    graph = next(iter(scorers.values())).graph
    return tuple(
        _result(name, scorer, scored[name], pairs, chosen, change, share, changed, params)
        for change, share, changed in _changes(graph, params, generator)
        for name, scorer in scorers.items()
    )


def _changes(
    graph: Adjacency, params: EvaluateParams, generator: torch.Generator
) -> Iterator[tuple[GraphChange, float, Adjacency]]:
    if not graph.num_edges:
        return
    for change, share in product(get_args(GraphChange), params.sensitivity_shares):
        yield change, share, perturbed(graph, change, share, generator)


def _result(
    name: str,
    scorer: GraphScorer,
    before: ScoredPairs,
    pairs: FreshPairs,
    chosen: Tensor,
    change: GraphChange,
    share: float,
    changed: Adjacency,
    params: EvaluateParams,
) -> SensitivityResult:
    positives = pairs.positives[:, chosen]
    per_edge = before.negative.shape[1]
    negatives = pairs.negatives.view(2, -1, per_edge)[:, chosen].flatten(1)
    positive = scorer.score(positives, changed, scorer.features).double()
    negative = scorer.score(negatives, changed, scorer.features).double().view(-1, per_edge)
    value = bootstrap_mean(
        reciprocal_ranks(positive, negative),
        samples=params.bootstrap_samples,
        confidence=params.confidence,
        generator=torch.Generator().manual_seed(params.seed),
        clusters=busier_endpoint(positives),
    )
    return SensitivityResult(
        scorer=name,
        change=change,
        share=share,
        metric="mrr",
        value=Interval(value=value.value, low=value.low, high=value.high),
        unchanged=float(before.ranks[chosen].mean()),
        rank_correlation=_rank_correlation(
            torch.cat([before.positive[chosen], before.negative[chosen].flatten()]),
            torch.cat([positive, negative.flatten()]),
        ),
    )


def _rank_correlation(before: Tensor, after: Tensor) -> float:
    """Return Spearman's correlation; 1 where both are constant, 0 where only one is, for which it is not defined."""
    flat = [float(scores.min()) == float(scores.max()) for scores in (before, after)]
    if any(flat):
        return float(all(flat))
    return float(spearmanr(before.numpy(), after.numpy()).statistic)
