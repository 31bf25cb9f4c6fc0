"""How much a temporal challenger rests on each group of pair features: its MRR with the group shuffled among pairs."""

from __future__ import annotations

import torch
from torch import Tensor

from ncnc_core.evaluation.edge_mean import paired_difference
from ncnc_core.evaluation.ranking import reciprocal_ranks
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.inputs.features import features_on
from ncnc_core.link_model import LinkModel
from ncnc_core.networks.permuted_features import permuted_logits
from ncnc_core.networks.scoring import node_levels, score_pairs
from ncnc_core.networks.temporal_network import TemporalNetwork
from pipeline.evaluation.comparison import FreshPairs, sampled
from pipeline.evaluation.cost import CostMeter
from pipeline.params.params import EvaluateParams
from pipeline.records.evaluation import FeatureImportance
from pipeline.records.scores import Interval

MOST_EDGES = 400  # test edges, with their negatives: bounds the cost, and the interval is narrow enough


def feature_importance(
    model: LinkModel,
    pairs: FreshPairs,
    graph: Adjacency,
    features: Tensor | None,
    params: EvaluateParams,
    *,
    meter: CostMeter | None = None,
) -> tuple[FeatureImportance, ...]:
    """Return the fall of the MRR for each group of pair features; nothing for a model that reads none.

    Sample and shuffles are drawn from `params.seed`. The fall is paired by edge, with the interval of the gate's own
    comparison. A group that another can stand in for falls little, although the model reads it.
    """
    network = model.network
    if not isinstance(network, TemporalNetwork):
        return ()
    generator = torch.Generator().manual_seed(params.seed)
    sample = sampled(pairs, torch.randperm(pairs.positives.shape[1], generator=generator)[:MOST_EDGES])
    both = torch.cat([sample.positives, sample.negatives], 1)
    with (meter or CostMeter()).part("feature importance", both.shape[1]):
        levels = node_levels(network, features_on(graph, features, model.features, model.node_ids), graph)
        before = score_pairs(network, levels, graph, both)
        after = permuted_logits(network, levels, graph, both, generator)
        return tuple(_fall(group, before, logits, sample.positives, params) for group, logits in after.items())


def _fall(group: str, before: Tensor, after: Tensor, positives: Tensor, params: EvaluateParams) -> FeatureImportance:
    """Compare logits of the positives [p] and then of their negatives [p * k], before and after a shuffle."""
    count = positives.shape[1]

    def ranks(logits: Tensor) -> Tensor:
        return reciprocal_ranks(logits[:count].double(), logits[count:].double().view(count, -1))

    fall = paired_difference(ranks(before), ranks(after), positives, confidence=params.confidence)
    return FeatureImportance(group=group, metric="mrr", fall=Interval.of(fall.interval), num_edges=count)
