"""How a graph is divided for a published protocol: what a method may learn from, and an exam it sits once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch_geometric.data import Data

from ncnc_core.evaluation.ranking import hits_at_k_shared
from ncnc_core.graph.adjacency import Adjacency, pair_keys
from ncnc_core.splits.negatives import uniform_pairs
from ncnc_core.training.data import TrainingData


@dataclass(frozen=True)
class Protocol:
    """Shares of the edges, negatives as a share of the edges too, and K of Hits@K; None: the data's own split.

    `valid_hits_at` is K on validation, half the test's where there are half as many negatives: the same rate of false
    positives. `by_average_precision` says that the epoch is chosen by that, and not by Hits@K on validation.
    """

    hits_at: int
    valid_hits_at: int
    valid_share: float | None = None
    test_share: float | None = None
    valid_negative_share: float | None = None
    test_negative_share: float | None = None
    by_average_precision: bool = False


# 70/10/20, twice as many validation negatives as validation positives: what the published code arrives at.
PLANETOID = Protocol(100, 100, 0.1, 0.2, valid_negative_share=0.2, test_negative_share=0.2)
# 70/10/20, as many negatives as positives: the protocol of the published figures on these graphs. The smallest has 212
# validation negatives: Hits@25 of them hangs by one pair and wavers, average precision counts them all.
FEATURELESS = Protocol(50, 25, 0.1, 0.2, valid_negative_share=0.1, test_negative_share=0.2, by_average_precision=True)
OFFICIAL_DDI = Protocol(20, 20)

PROTOCOLS: dict[str, Protocol] = {
    "cora": PLANETOID,
    "citeseer": PLANETOID,
    "usair": FEATURELESS,
    "pb": FEATURELESS,
    "yeast": FEATURELESS,
    "power": FEATURELESS,
    "ogbl_ddi": OFFICIAL_DDI,
}


class SatTwice(Exception):
    """An exam was to be graded a second time, which would let its answers choose something."""


class Exam:
    """Pairs that judge: only grading touches them, and only once."""

    def __init__(self, positives: Tensor, negatives: Tensor, hits_at: int) -> None:
        self._positives, self._negatives, self.hits_at, self._sat = positives, negatives, hits_at, False

    @property
    def sizes(self) -> tuple[int, int]:
        """The numbers of positives and negatives."""
        return self._positives.shape[1], self._negatives.shape[1]

    def grade(self, score: Callable[[Tensor], Tensor]) -> float:
        """Return Hits@K of a scorer of pairs [2, pairs].

        Raises:
            SatTwice: it was graded before.
        """
        if self._sat:
            raise SatTwice("This exam was graded before. Choose on validation, then grade the one choice.")
        self._sat = True
        scores = score(torch.cat([self._positives, self._negatives], 1))
        count = self._positives.shape[1]
        return hits_at_k_shared(scores[:count], scores[count:], self.hits_at)


@dataclass(frozen=True, eq=False)
class LearningSide:
    """All that a method sees before its exam: no test pair is in here, positive or negative.

    The message graph of training, validation and test is `train_edges`. Pairs are [2, pairs], edges once.
    """

    num_nodes: int
    features: Tensor | None
    train_edges: Tensor
    valid_edges: Tensor
    valid_negatives: Tensor
    valid_hits_at: int
    by_average_precision: bool = False

    @property
    def selection_metric(self) -> str:
        """The one metric that chooses the epoch."""
        return "average_precision" if self.by_average_precision else f"hits@{self.valid_hits_at}"

    def training_data(self) -> TrainingData:
        """Return what `train_network` takes; training negatives avoid the training edges alone."""
        return TrainingData(
            num_nodes=self.num_nodes,
            features=self.features,
            train_edges=self.train_edges,
            forbidden_keys=pair_keys(self.train_edges, self.num_nodes).sort().values,
            valid_edges=self.valid_edges,
            valid_negatives=self.valid_negatives,
        )

    def adjacency(self) -> Adjacency:
        """Return the message graph."""
        return Adjacency.from_edges(self.train_edges, self.num_nodes)

    def halves(self) -> tuple[LearningSide, Exam]:
        """Return the side with a half of its validation pairs, at half the K, and an exam of the other half.

        Shuffled first: ogbl-ddi's negatives come sorted by their first node, and its halves would differ in degree.
        """
        generator = torch.Generator().manual_seed(0)
        edges, negatives = (
            pairs[:, torch.randperm(pairs.shape[1], generator=generator)]
            for pairs in (self.valid_edges, self.valid_negatives)
        )
        hits_at = max(1, self.valid_hits_at // 2)
        middle, middle_negative = edges.shape[1] // 2, negatives.shape[1] // 2
        first = replace(
            self,
            valid_edges=edges[:, :middle],
            valid_negatives=negatives[:, :middle_negative],
            valid_hits_at=hits_at,
        )
        return first, Exam(edges[:, middle:], negatives[:, middle_negative:], hits_at)


def divide(data: Data, protocol: Protocol, seed: int) -> tuple[LearningSide, Exam]:
    """Divide a data set by a protocol; the seed draws the split, unless the data has its own.

    Negatives are distinct non-edges of the whole graph, those of validation and test disjoint.
    """
    if protocol.valid_share is None or protocol.test_share is None:
        train, valid, test = data.edge_index, data.valid_edges, data.test_edges
        valid_negatives, test_negatives = data.valid_negatives, data.test_negatives
    else:
        generator = torch.Generator().manual_seed(seed)
        count = data.edge_index.shape[1]
        edges = data.edge_index[:, torch.randperm(count, generator=generator)]
        sizes = [int(protocol.valid_share * count), int(protocol.test_share * count)]
        valid, test, train = edges.split([*sizes, count - sum(sizes)], dim=1)
        drawn = [int((share or 0) * count) for share in (protocol.valid_negative_share, protocol.test_negative_share)]
        negatives = distinct_non_edges(sum(drawn), data.edge_index, data.num_nodes, generator)
        valid_negatives, test_negatives = negatives.split(drawn, dim=1)
    learning = LearningSide(
        num_nodes=data.num_nodes,
        features=data.x,
        train_edges=train,
        valid_edges=valid,
        valid_negatives=valid_negatives,
        valid_hits_at=protocol.valid_hits_at,
        by_average_precision=protocol.by_average_precision,
    )
    return learning, Exam(test, test_negatives, protocol.hits_at)


def distinct_non_edges(count: int, edges: Tensor, num_nodes: int, generator: torch.Generator) -> Tensor:
    """Draw different pairs that are no edges, source < target, in random order: [2, count]."""
    known = pair_keys(edges, num_nodes).sort().values
    found = known.new_empty(0)
    while found.numel() < count:
        forbidden = torch.cat([known, found]).sort().values
        drawn = pair_keys(uniform_pairs(count, forbidden, num_nodes, generator), num_nodes).unique()
        # unique sorts: without a shuffle, cutting at `count` would keep the pairs of low positions.
        found = torch.cat([found, drawn[torch.randperm(drawn.numel(), generator=generator)]])
    return torch.stack([found[:count].div(num_nodes, rounding_mode="floor"), found[:count] % num_nodes])
