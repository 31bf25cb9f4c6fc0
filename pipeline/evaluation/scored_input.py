"""The input of a scorer (pairs, message graph, features), and digests that show that all scorers got the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.splits.leak_invariants import Invariant

GraphScore = Callable[[Tensor, Adjacency, Tensor | None], Tensor]  # pairs [2, p], graph, features -> scores [p]


@dataclass(frozen=True, eq=False)
class GraphScorer:
    """A way to score pairs, bound to the message graph and the node features that it is given."""

    score: GraphScore
    graph: Adjacency
    features: Tensor | None = None

    def __call__(self, pairs: Tensor) -> Tensor:
        """Return the score of each pair."""
        return self.score(pairs, self.graph, self.features)


@dataclass(frozen=True)
class ScoredInput:
    """The sha256 of each part of what one scorer was given."""

    positives: str
    negatives: str
    graph: str
    features: str


def scored_input(scorer: GraphScorer, positives: Tensor, negatives: Tensor) -> ScoredInput:
    """Digest what a scorer is about to be given, as it is now; one pass over its bytes."""
    graph = scorer.graph
    return ScoredInput(
        positives=_digest(positives),
        negatives=_digest(negatives),
        graph=_digest(graph.row_pointer, graph.column, graph.weight, *_times(graph)),
        features=_digest(scorer.features),
    )


def same_input(given: Mapping[str, ScoredInput], first: str) -> Invariant:
    """Check that every other scorer was given what the first one was: each part of its input is an item."""
    parts = [
        getattr(given[name], part.name) == getattr(given[first], part.name)
        for name in given
        if name != first
        for part in fields(ScoredInput)
    ]
    return Invariant("models_scored_on_the_same_input", len(parts), parts.count(False))


def _times(graph: Adjacency) -> tuple[Tensor, ...]:
    times = graph.times
    return () if times is None else (times.first, times.last, times.events, times.arrivals)


def _digest(*tensors: Tensor | None) -> str:
    digest = hashlib.sha256()
    for tensor in tensors:
        if tensor is None:
            digest.update(b"none\n")
            continue
        if tensor.layout != torch.strided:
            tensor = tensor.to_dense()
        plain = tensor.detach().cpu().contiguous()
        digest.update(f"{plain.dtype} {list(plain.shape)}\n".encode())
        digest.update(plain.view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
