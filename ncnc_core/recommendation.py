"""Which links a node lacks: its candidates, ranked by their score."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from jaxtyping import Int64
from torch import Tensor

from ncnc_core.adjacency import Adjacency
from ncnc_core.cost_chunks import cost_chunks
from ncnc_core.errors import InvalidGraph
from ncnc_core.pair_input import NodeId

if TYPE_CHECKING:
    import pandas as pd

EVERY_NODE_UP_TO = 100_000  # nodes of a graph in which a node is ranked against all others: NCNC takes a second
NEAR_AT_MOST = 20_000  # two-hop candidates a node, those with most shared neighbours first
BUSIEST = 1_000  # nodes of highest degree that are candidates of everyone
ENTRIES_AT_ONCE = 2**20  # two-step walks in memory at a time

Candidates = Literal["all", "near"]


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
    score: Callable[[Tensor], Tensor],
    adjacency: Adjacency,
    nodes: Iterable[int],
    k: object,
    node_ids: Sequence[NodeId],
    *,
    exclude_known: bool,
    candidates: str | None,
) -> Recommendations:
    """Rank the candidates of each node and keep the best k, ties in the order of the positions.

    Where fewer than k candidates are left, all of them are returned. Memory: one node's candidates.

    Raises:
        InvalidGraph: k is no whole number from 1, or `candidates` is another word.
    """
    count, search = _whole(k), _search(candidates, adjacency.num_nodes)
    rows: list[Recommendation] = []
    for node in nodes:
        others = candidates_of(adjacency, node, exclude_known=exclude_known, candidates=search)
        pairs = torch.stack([torch.full_like(others, node), others])
        scores, order = score(pairs).sort(descending=True, stable=True)  # stable: a tie stays in the nodes' order
        best = order[:count]
        rows += [
            Recommendation(node_ids[node], node_ids[other], rank, value, known)
            for rank, (other, value, known) in enumerate(
                zip(
                    others[best].tolist(), scores[:count].tolist(), adjacency.has(pairs[:, best]).tolist(), strict=True
                ),
                start=1,
            )
        ]
    return Recommendations(tuple(rows))


def _whole(k: Any) -> int:
    if isinstance(k, bool) or not hasattr(k, "__index__") or operator.index(k) < 1:
        raise InvalidGraph(
            f"recommend gives at least one candidate a node, but k is {k!r}. Ask for k=1 or more, a whole number."
        )
    return operator.index(k)


def _search(candidates: str | None, num_nodes: int) -> Candidates:
    if candidates is None:
        return "all" if num_nodes <= EVERY_NODE_UP_TO else "near"
    if candidates == "all":
        return "all"
    if candidates == "near":
        return "near"
    raise InvalidGraph(f"candidates is 'all' or 'near', but it is {candidates!r}. Give one of them, or leave it out.")


def candidates_of(
    adjacency: Adjacency, node: int, *, exclude_known: bool, candidates: Candidates
) -> Int64[Tensor, " candidates"]:
    """Return the positions a node is ranked against, ascending: all others, or those near it and the busiest.

    Near: within two steps, the NEAR_AT_MOST with the most shared neighbours; busiest: the BUSIEST of highest degree,
    for links that share no neighbour yet.
    """
    chosen = torch.zeros(adjacency.num_nodes, dtype=torch.bool, device=adjacency.column.device)
    neighbors = adjacency.column[adjacency.row_pointer[node] : adjacency.row_pointer[node + 1]]
    if candidates == "all":
        chosen[:] = True
    else:
        shared = _shared_counts(adjacency, neighbors)
        near = shared.sort(descending=True, stable=True).indices[: min(NEAR_AT_MOST, int((shared > 0).sum()))]
        chosen[near] = True
        chosen[neighbors] = True
        chosen[adjacency.degree.sort(descending=True, stable=True).indices[:BUSIEST]] = True
    chosen[node] = False
    if exclude_known:
        chosen[neighbors] = False
    return chosen.nonzero().flatten()


def _shared_counts(adjacency: Adjacency, neighbors: Tensor) -> Tensor:
    """Return how many of the neighbours each node is adjacent to, [nodes]."""
    counts = torch.zeros(adjacency.num_nodes, dtype=torch.int64, device=neighbors.device)
    lengths = adjacency.degree[neighbors]
    for part in cost_chunks(lengths, ENTRIES_AT_ONCE):
        length = lengths[part]
        shift = adjacency.row_pointer[neighbors[part]] - (length.cumsum(0) - length)
        entry = torch.arange(int(length.sum()), device=neighbors.device) + torch.repeat_interleave(shift, length)
        counts += torch.bincount(adjacency.column[entry], minlength=adjacency.num_nodes)
    return counts
