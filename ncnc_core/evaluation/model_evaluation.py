"""Every metric of a model and of the heuristics, on held-out edges and negatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation.edge_mean import MetricInterval
from ncnc_core.evaluation.heuristics import HEURISTICS
from ncnc_core.evaluation.ranking import HITS_AT, intervals_of, rank_intervals, roc_auc
from ncnc_core.graph.adjacency import Adjacency, contains_keys, pair_keys
from ncnc_core.splits.negatives import corrupted_negatives, has_negative

if TYPE_CHECKING:
    import pandas as pd


SHOWN = ("mrr", "hits@10", "auc", "average_precision")


@dataclass(frozen=True)
class ModelEvaluation:
    """Every metric of the model and of the heuristics, on the same edges, negatives and message graph.

    `metrics[scorer][metric]` is a value with its bounds; the model's own name is "model". `removed_edges` of the
    `num_edges` were edges of the served graph and were removed from it before scoring. The weights still hold what
    they learnt from these edges: if the model was trained on that graph, its figures are too good. `repeated_edges`
    were given once more, in either direction, and count once; `without_negatives` have no negative, as both their ends
    are joined to every other node, and were left out.
    """

    metrics: Mapping[str, Mapping[str, MetricInterval]]
    num_edges: int
    num_negatives: int
    removed_edges: int
    repeated_edges: int = 0
    without_negatives: int = 0

    def to_frame(self) -> pd.DataFrame:
        """Return the columns scorer, metric, value, low and high."""
        import pandas as pd

        rows = [(name, metric, *interval) for name, of in self.metrics.items() for metric, interval in of.items()]
        return pd.DataFrame(rows, columns=["scorer", "metric", "value", "low", "high"])

    def __str__(self) -> str:
        """Return the metrics a person looks at first as a table, one line a scorer; the frame has all."""
        shown = [name for name in SHOWN if name in self.metrics["model"]]
        lines = [f"{self.num_edges} edges, {self.num_negatives} negatives"]
        if self.removed_edges:
            lines.append(f"{self.removed_edges} of the edges were in the served graph and were removed from it")
        if self.repeated_edges:
            lines.append(f"{self.repeated_edges} of the edges given were repeats, in either direction, and count once")
        if self.without_negatives:
            lines.append(f"{self.without_negatives} more edges have no negative and were left out")
        width = max(map(len, self.metrics))
        lines.append(" " * width + "".join(f"  {name:>20}" for name in shown))
        for scorer, of in self.metrics.items():
            cells = [f"{of[name].value:.3f} [{of[name].low:.3f}, {of[name].high:.3f}]" for name in shown]
            lines.append(scorer.ljust(width) + "".join(f"  {cell:>20}" for cell in cells))
        return "\n".join(lines)


def evaluate_links(
    score_on: Callable[[Adjacency, Tensor], Tensor],
    adjacency: Adjacency,
    edges: Int64[Tensor, "2 edges"],
    negatives: Int64[Tensor, "2 negatives"] | None,
    *,
    negatives_per_edge: int,
    shared_negatives: bool,
    confidence: float,
    seed: int,
) -> ModelEvaluation:
    """Score edges against negatives on the graph without these edges, and measure; intervals are those of `edge_means`.

    Without `negatives`, each edge gets its own: one end kept, the other drawn from all nodes, known edges left out.
    Given ones are k for each edge, one edge's after the other's, or one set for all with `shared_negatives`. An edge
    that is given twice, in either direction, counts once, with the negatives that it had first.

    Raises:
        InvalidGraph: there are no edges, none has a negative, the negatives do not divide among them, or one of them is
            an edge.
    """
    if edges.shape[1] == 0:
        raise InvalidGraph("There are 0 edges to evaluate on. Give edges that the model should find.")
    if shared_negatives and negatives is None:
        raise InvalidGraph("shared_negatives=True is about negatives, and none are given. Give them, or leave it out.")
    given, num_nodes = edges.shape[1], adjacency.num_nodes
    message, first = adjacency.without(edges), _first_places(pair_keys(edges, num_nodes))
    if negatives is not None:
        _check(edges, negatives, num_nodes, shared_negatives)
        _require_no_edges(message, negatives)
        if not shared_negatives:
            negatives = negatives.view(2, given, -1)[:, first].flatten(1)
    edges = edges[:, first]
    without = 0
    if negatives is None:
        forbidden = pair_keys(torch.cat([adjacency.edges(), edges], 1), num_nodes).unique()
        rankable = has_negative(edges, forbidden, num_nodes)
        edges, without, shared_negatives = _some(edges[:, rankable], given), int((~rankable).sum()), False
        generator = torch.Generator().manual_seed(seed)
        negatives = corrupted_negatives(edges, negatives_per_edge, forbidden, generator, num_nodes=num_nodes)
    metrics = _scored(score_on, message, edges, negatives, shared_negatives, confidence)
    count = edges.shape[1]
    per_edge = negatives.shape[1] // (1 if shared_negatives else count)
    return ModelEvaluation(metrics, count, per_edge, int(adjacency.has(edges).sum()), given - len(first), without)


def _first_places(keys: Int64[Tensor, " edges"]) -> Int64[Tensor, " distinct"]:
    """Return where each key stands first, ascending."""
    unique, which = keys.unique(return_inverse=True)
    places = torch.arange(keys.numel(), device=keys.device)
    first = torch.full_like(unique, keys.numel()).scatter_reduce_(0, which, places, "amin")
    return first.sort().values


def _some(edges: Tensor, given: int) -> Tensor:
    if not edges.shape[1]:
        raise InvalidGraph(
            f"None of the {given} edges has a negative: both ends of each are joined to every other node. "
            "Give edges of nodes that have pairs without one."
        )
    return edges


def _scored(
    score_on: Callable[[Adjacency, Tensor], Tensor],
    message: Adjacency,
    edges: Tensor,
    negatives: Tensor,
    shared_negatives: bool,
    confidence: float,
) -> dict[str, dict[str, MetricInterval]]:
    """Return every scorer's metrics."""
    count, pairs, metrics = edges.shape[1], torch.cat([edges, negatives], 1), {}
    for name, score in [("model", score_on), *HEURISTICS.items()]:
        positive, negative = score(message, pairs).split([count, negatives.shape[1]])
        if shared_negatives:
            metrics[name] = shared_intervals(positive, negative, edges, confidence=confidence)
        else:
            metrics[name] = rank_intervals(positive, negative.view(count, -1), edges, confidence=confidence)
    return metrics


def shared_intervals(
    positive: Float[Tensor, " positives"],
    negative: Float[Tensor, " negatives"],
    edges: Int64[Tensor, "2 positives"],
    *,
    confidence: float,
) -> dict[str, MetricInterval]:
    """Return mrr, hits@K, auc and average_precision of distinct edges against one set of negatives, with bounds.

    The bounds say what other edges would have given, against the same negatives. Average precision compares the
    positives among themselves too, so its values are pseudo-values of the infinitesimal jackknife, as in
    `ranking.metric_values`.
    Cost: two sorts; no matrix of positives by negatives.
    """
    roc_auc(positive, negative)  # refuses NaN and empty sides
    ascending, count = negative.sort().values, negative.numel()
    not_below = (count - torch.searchsorted(ascending, positive.contiguous())).double()
    above = (count - torch.searchsorted(ascending, positive.contiguous(), right=True)).double()
    rank = 1 + 0.5 * (above + not_below)
    values = {"mrr": 1 / rank} | {f"hits@{k}": (rank <= k).double() for k in HITS_AT if k <= count}
    values["auc"] = 1 - (above + not_below) / (2 * count)
    order = positive.sort().values
    true = (positive.numel() - torch.searchsorted(order, positive.contiguous())).double()
    gain = not_below / (true + not_below).square()  # what one more positive, scored no lower, adds to each precision
    total = torch.cat([gain.new_zeros(1), gain[positive.argsort()].cumsum(0)])
    lifted = total[torch.searchsorted(order, positive.contiguous(), right=True)]
    values["average_precision"] = true / (true + not_below) + lifted - lifted.mean()
    return intervals_of(values, edges, confidence)


def _require_no_edges(message: Adjacency, negatives: Tensor) -> None:
    wrong = message.has(negatives).nonzero().flatten()
    if wrong.numel():
        raise InvalidGraph(
            f"{wrong.numel()} of {negatives.shape[1]} negatives are edges of the served graph (first: place "
            f"{int(wrong[0])}). A pair that is an edge is no negative: leave them out."
        )


def _check(edges: Tensor, negatives: Tensor, num_nodes: int, shared: bool) -> None:
    count, others = edges.shape[1], negatives.shape[1]
    if others == 0 or (not shared and others % count):
        raise InvalidGraph(
            f"There are {others} negatives for {count} edges. Give the same number for each edge, one edge's after the "
            "other's, or one set for all of them with shared_negatives=True."
        )
    wrong = contains_keys(pair_keys(edges, num_nodes).sort().values, pair_keys(negatives, num_nodes))
    if bool(wrong.any()):
        raise InvalidGraph(
            f"{int(wrong.sum())} of {others} negatives are edges under test (first: place {int(wrong.nonzero()[0])}). "
            "Leave them out."
        )
