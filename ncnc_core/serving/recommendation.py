"""Recommended links: the candidates of each node, ranked by score."""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import torch
from jaxtyping import Int64
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.inputs.node_ids import NodeId
from ncnc_core.serving.ranked_links import Score, ranked_links, ranking_parts

if TYPE_CHECKING:
    import pandas as pd


Item = TypeVar("Item")
Stream = Any  # whatever stands where standard error does: a notebook's, say
EVERY_NODE_UP_TO = 100_000  # nodes of a graph in which a node is ranked against all others: NCNC takes a second
SHORTLIST = 2_000  # candidates of a node in a larger one: a few nodes are asked for, not all
Candidates = Literal["all"] | int


@dataclass(frozen=True)
class Recommendation:
    """One candidate of one node: its rank from 1, its score, and whether the graph has the edge already."""

    source: NodeId
    target: NodeId
    rank: int
    score: float
    known: bool


@dataclass(frozen=True)
class Recommendations:
    """The candidates of all nodes asked for, best first within a node."""

    rows: tuple[Recommendation, ...]

    def of(self, node: NodeId) -> tuple[Recommendation, ...]:
        """Return the candidates of one node."""
        return tuple(row for row in self.rows if row.source == node)

    def to_frame(self) -> pd.DataFrame:
        """Return the columns source, target, rank, score and known."""
        import pandas as pd

        return pd.DataFrame(list(self.rows), columns=["source", "target", "rank", "score", "known"])

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Recommendation]:
        return iter(self.rows)

    def __str__(self) -> str:
        """Return one line a candidate."""
        return "\n".join(f"{row.source} - {row.target}: rank {row.rank}, logit {row.score:.3f}" for row in self.rows)


def recommend_links(
    score: Score,
    adjacency: Adjacency,
    nodes: Int64[Tensor, " nodes"],
    k: object,
    node_ids: Sequence[NodeId],
    *,
    exclude_known: bool,
    candidates: object,
    progress: bool = False,
) -> Recommendations:
    """Rank the candidates of each node and keep the best k, ties in the order of the positions, see `ranked_links`.

    Raises:
        InvalidGraph: k or the number of candidates is no whole number from 1, or `candidates` is another word.
    """
    count = _whole(k, "recommend gives at least one candidate a node, but k")
    shortlist = shortlist_size(candidates, adjacency.num_nodes)
    parts = ranking_parts(adjacency, nodes, candidates=shortlist, exclude_known=exclude_known)
    rows: list[Recommendation] = []
    for part in counted(parts, "recommending", shown=progress):
        (found,) = ranked_links(score, adjacency, [part], count, candidates=shortlist, exclude_known=exclude_known)
        known = adjacency.has(torch.stack([found.source, found.target]))
        columns = (found.source, found.target, found.rank, found.score, known)
        rows += [
            Recommendation(node_ids[source], node_ids[target], rank, value, is_known)
            for source, target, rank, value, is_known in zip(*(one.tolist() for one in columns), strict=True)
        ]
    return Recommendations(tuple(rows))


def shortlist_size(candidates: object, num_nodes: int) -> int | None:
    """Return how many candidates a node is ranked against, None for every other node.

    Raises:
        InvalidGraph: it is neither "all" nor a whole number from 1.
    """
    if candidates is None:
        return None if num_nodes <= EVERY_NODE_UP_TO else SHORTLIST
    if candidates == "all":
        return None
    return _whole(candidates, "candidates is 'all' or how many a node is ranked against, but it")


def _whole(number: Any, what: str) -> int:
    if isinstance(number, bool) or not hasattr(number, "__index__") or operator.index(number) < 1:
        name = "k" if what.endswith(" k") else "candidates"
        raise InvalidGraph(f"{what} is {number!r}. Ask for {name}=1 or more, a whole number.")
    return operator.index(number)


def counted(items: Sequence[Item], label: str, *, shown: bool = True, stream: Stream = None) -> Iterator[Item]:
    """Yield the items with a bar of how many are done; plainly where `stream` (standard error) is no terminal."""
    stream = stream or sys.stderr
    if not (shown and stream.isatty()) or len(items) < 2:
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, description=label, console=Console(file=stream))
