"""How good a network is on the validation pairs, by one declared metric: it chooses the epoch and the completion."""

from __future__ import annotations

import re
from collections.abc import Callable

from torch import Tensor

from ncnc_core.config.choices import METRIC_NAME, SelectionMetric
from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation.ranking import average_precision, hits_at_k_shared, reciprocal_ranks, roc_auc
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.scoring import node_levels, score_pairs
from ncnc_core.sampling.batch_sampler import BatchSampler
from ncnc_core.sampling.scoring import score_pairs_sampled
from ncnc_core.training.data import TrainingData
from ncnc_core.training.ranks import Ranks


def require_selectable(metric: SelectionMetric, data: TrainingData) -> None:
    """Refuse, before the first epoch, a metric that the validation pairs cannot be measured by.

    Raises:
        InvalidGraph: no such metric, too few negatives for hits@K, or no equal number of negatives a positive for mrr.
    """
    if not re.match(METRIC_NAME, metric):
        raise InvalidGraph(
            f"{metric!r} is no selection metric. Choose mrr, auc, average_precision, or hits@K, as in hits@50."
        )
    valid, negatives = data.valid_edges.shape[1], data.valid_negatives.shape[1]
    if metric == "mrr" and data.negatives_per_valid_edge is None:
        raise InvalidGraph(
            f"mrr ranks each of the {valid} validation edges among its own negatives, the same number for each, but "
            f"there are {negatives}. Give k negatives for each, or select by auc, average_precision or hits@K."
        )
    k = _shared_hits(metric)
    if k is not None and k > negatives:
        raise InvalidGraph(
            f"{metric} needs at least {k} validation negatives, shared by all positives, but there are {negatives}. "
            f"Sample more negatives, or choose K of at most {negatives}."
        )


def metrics_of(positive: Tensor, negative: Tensor, metric: SelectionMetric, each: int | None) -> dict[str, float]:
    """Return the metrics of validation logits, [edges] and [negatives]; `each` edge has so many of its own.

    auc and average_precision compare all positives with all negatives; mrr, where each positive has k negatives of its
    own, ranks it among those; hits@K, where it is the declared metric, takes the K-th largest of all negatives.
    """
    metrics = {"auc": roc_auc(positive, negative), "average_precision": average_precision(positive, negative)}
    if each is not None:
        metrics["mrr"] = float(reciprocal_ranks(positive, negative.view(-1, each)).mean())
    if (k := _shared_hits(metric)) is not None:
        metrics[metric] = hits_at_k_shared(positive, negative, k)
    return metrics


def validation_scores(
    network: LinkNetwork,
    data: TrainingData,
    adjacency: Adjacency,
    sampler: BatchSampler | None = None,
    did: Callable[[int], None] | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the logits of the validation edges and of their negatives on the message graph, in evaluation mode.

    With a `sampler`, a network that is trained on samples is measured on samples. `did` hears of the number of pairs of
    each part. Of several processes each scores its share, and all get all logits.
    """
    ranks = Ranks.here()
    did = ranks.counting(did)
    if sampler is not None:

        def score(pairs: Tensor) -> Tensor:
            return score_pairs_sampled(network, data.features, sampler, pairs, did=did)

    else:
        levels = node_levels(network, data.features, adjacency)

        def score(pairs: Tensor) -> Tensor:
            return score_pairs(network, levels, adjacency, pairs, did=did)

    return ranks.scored(score, data.valid_edges), ranks.scored(score, data.valid_negatives)


def _shared_hits(metric: str) -> int | None:
    name, _, k = metric.partition("@")
    return int(k) if name == "hits" else None
