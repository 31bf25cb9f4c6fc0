"""One night of a dated graph: what may be learnt from, what is asked at the end, and who answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.evolving.graphs import DatedGraph
from ncnc_core.evaluation.ranking import reciprocal_ranks
from ncnc_core.graph.adjacency import Adjacency, pair_keys
from ncnc_core.splits.edge_split import split_edges
from ncnc_core.splits.evaluation_negatives import evaluation_negatives
from ncnc_core.training.data import TemporalData, TrainingData

KINDS = ("uniform", "degree_matched")
EACH = 50  # negatives an edge, as params.yaml has it
Scorer = Callable[[Tensor, Adjacency], Tensor]  # pairs [2, p] and the message graph of testing


@dataclass(frozen=True, eq=False)
class Night:
    """What training is handed, `times` being part of `data`, and the test.

    test [2, t] are its edges, `negatives` theirs, and `graph` is what they are scored on.
    """

    data: TrainingData
    times: TemporalData
    graph: Adjacency
    test: Tensor
    negatives: Tensor

    @classmethod
    def of(cls, dated: DatedGraph, seed: int = 0) -> Night:
        """Divide a graph as the pipeline does by default; one seed draws the negatives, the same for every method."""
        history, as_of = dated.history, dated.as_of
        split = split_edges(
            history.edges,
            history.first_seen,
            history.removed_at,
            as_of=as_of,
            snapshot_times=dated.dumps,
            method="temporal",
            alive_since=history.alive_since,
        )
        assert split.cut_train is not None  # noqa: S101 - for mypy: the graphs here have dates enough
        assert split.cut_valid is not None  # noqa: S101
        generator = torch.Generator().manual_seed(seed)
        every = pair_keys(history.edges, history.num_nodes).sort().values
        sides = history.edges[:, split.valid], history.edges[:, split.test]
        graphs = [history.graph_at(cut) for cut in (split.cut_train, split.cut_valid)]
        known = (history.seen_nodes(split.cut_valid), None)
        negatives = [
            evaluation_negatives(side, EACH, every, generator, kinds=KINDS, adjacency=graph, among=among)
            for side, graph, among in zip(sides, graphs, known, strict=True)
        ]
        times = TemporalData(history.until(split.cut_valid), split.cut_train, split.cut_valid)
        data = TrainingData(
            num_nodes=history.num_nodes,
            features=None,
            train_edges=graphs[0].edges(),
            forbidden_keys=history.keys_until(split.cut_train),
            valid_edges=sides[0],
            valid_negatives=negatives[0],
            times=times,
        )
        return cls(data, times, graphs[1], sides[1], negatives[1])

    def ranks(self, score: Scorer) -> Tensor:
        """Return the reciprocal rank of each test edge, [t]."""
        positive = score(self.test, self.graph).double()
        return reciprocal_ranks(positive, score(self.negatives, self.graph).double().view(positive.numel(), -1))

    @property
    def warm(self) -> Tensor:
        """Which test edges have an edge at both ends by the cut, [t]."""
        return (self.graph.degree[self.test] > 0).all(0)
