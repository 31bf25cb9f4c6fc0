"""Where a model is good and where it is not: the test edges by degree, node age, edge age and component."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from ncnc_core.evaluation.edge_mean import edge_means
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.edge_history import NEVER, EdgeHistory
from ncnc_core.splits.known_nodes import first_edges
from pipeline.evaluation.comparison import paired_comparison
from pipeline.params.params import EvaluateParams
from pipeline.records.scores import Interval, SliceKind, SliceScores

# The lower degree of an edge's two ends; fixed bounds, so that a slice means the same every night.
DEGREES = {"0": (0, 0), "1-2": (1, 2), "3-9": (3, 9), "10-99": (10, 99), "100+": (100, NEVER)}
# The age of the last activity of the end that was active later, in windows of as many new edges as validation had.
ACTIVITIES = {"0-0.1": 0.1, "0.1-0.5": 0.5, "0.5-2": 2.0, "2-8": 8.0, "8+": math.inf}  # each below this


@dataclass(frozen=True, eq=False)
class Slice:
    """Some of the test edges: which, as a mask bool [edges]."""

    kind: SliceKind
    name: str
    member: Tensor


def slices_of(
    positives: Tensor,
    first_seen: Tensor,
    graph: Adjacency,
    history: EdgeHistory,
    *,
    cut_train: datetime | None,
    cut_valid: datetime | None,
    previous_as_of: datetime | None,
    window: float | None = None,
) -> tuple[Slice, ...]:
    """Divide test edges [2, p], first seen at [p], in five ways; each way puts every edge in exactly one slice.

    degree: the lower degree of the two ends in the message graph. node_age: cold, where an end has no message edge;
    new, where an end's first edge is younger than the train cut, so that no training pair had it; else established.
    edge_age: newest, first seen since the previous snapshot, or earlier. component: of the message graph, the same at
    both ends, different, or isolated where an end has no message edge. activity: how long ago the last event of either
    end was, in windows of `window` new edges; never, where both ends have none. Without a cut, a previous snapshot or a
    window and times, the ways that need one are left out.
    """
    return (
        *_by_degree(positives, graph),
        *_by_node_age(positives, graph, history, cut_train, cut_valid),
        *_by_edge_age(first_seen, previous_as_of),
        *_by_component(positives, graph),
        *_by_activity(positives, graph, window),
    )


def slice_scores(
    slices: tuple[Slice, ...],
    challenger: Tensor,
    champion: Tensor | None,
    positives: Tensor,
    params: EvaluateParams,
    best_of_floor: Tensor | None = None,
) -> tuple[SliceScores, ...]:
    """Return each slice's count, mean reciprocal ranks and paired difference; an empty slice has its count alone.

    The difference is that of `paired_comparison`, as it is on the whole: the gate reads both.
    """
    return tuple(_scores(part, challenger, champion, positives, params, best_of_floor) for part in slices)


def _scores(
    part: Slice,
    challenger: Tensor,
    champion: Tensor | None,
    positives: Tensor,
    params: EvaluateParams,
    best_of_floor: Tensor | None,
) -> SliceScores:
    edges = positives[:, part.member]

    def of(ranks: Tensor) -> Interval:
        return Interval.of(edge_means(ranks[None, part.member], edges, confidence=params.confidence)[0].interval)

    count = int(part.member.sum())
    if count == 0:
        return SliceScores(kind=part.kind, name=part.name, num_edges=0, metric="mrr", challenger=None)
    difference = None
    if champion is not None:
        ranks = (challenger[part.member], champion[part.member])
        difference = paired_comparison(*ranks, edges, confidence=params.confidence).difference
    return SliceScores(
        kind=part.kind,
        name=part.name,
        num_edges=count,
        metric="mrr",
        challenger=of(challenger),
        champion=None if champion is None else of(champion),
        difference=difference,
        best_of_floor=None if best_of_floor is None else of(best_of_floor),
    )


def _by_degree(positives: Tensor, graph: Adjacency) -> Iterator[Slice]:
    lower = graph.degree[positives].amin(0)
    for name, (least, most) in DEGREES.items():
        yield Slice("degree", name, (lower >= least) & (lower <= most))


def _by_node_age(
    positives: Tensor, graph: Adjacency, history: EdgeHistory, cut_train: datetime | None, cut_valid: datetime | None
) -> Iterator[Slice]:
    cold = (graph.degree[positives] == 0).any(0)
    new = torch.zeros_like(cold)
    if cut_train is not None and cut_valid is not None:
        first = first_edges(history, int(cut_valid.timestamp()))
        new = (first[positives] > int(cut_train.timestamp())).any(0) & ~cold
    yield Slice("node_age", "cold", cold)
    if cut_train is not None:
        yield Slice("node_age", "new", new)
    yield Slice("node_age", "established", ~cold & ~new)


def _by_edge_age(first_seen: Tensor, previous_as_of: datetime | None) -> Iterator[Slice]:
    if previous_as_of is None:
        return
    newest = first_seen > int(previous_as_of.timestamp())
    yield Slice("edge_age", "newest", newest)
    yield Slice("edge_age", "earlier", ~newest)


def _by_component(positives: Tensor, graph: Adjacency) -> Iterator[Slice]:
    edges = graph.edges().numpy()
    matrix = coo_array(([True] * edges.shape[1], (edges[0], edges[1])), shape=(graph.num_nodes, graph.num_nodes))
    label = torch.from_numpy(connected_components(matrix, directed=False)[1])
    isolated = (graph.degree[positives] == 0).any(0)
    same = (label[positives[0]] == label[positives[1]]) & ~isolated
    yield Slice("component", "same", same)
    yield Slice("component", "different", ~same & ~isolated)
    yield Slice("component", "isolated", isolated)


def _by_activity(positives: Tensor, graph: Adjacency, window: float | None) -> Iterator[Slice]:
    if graph.times is None or window is None:
        return
    last = graph.times.age(graph.times.last, window)
    age = torch.full((graph.num_nodes,), math.inf).scatter_reduce(0, graph.row, last, "amin")[positives].amin(0)
    least = 0.0
    for name, most in ACTIVITIES.items():
        yield Slice("activity", name, (age >= least) & (age < most))
        least = most
    yield Slice("activity", "never", age.isinf())
