"""The k best missing links of many nodes, in bounded memory: candidates, their scores, and the first k of each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Int64
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency, pair_keys
from ncnc_core.graph.cost_chunks import cost_chunks
from ncnc_core.graph.node_lists import NodeLists
from ncnc_core.serving.shortlist import shortlist_room, shortlists

PAIRS_AT_ONCE = 2**17  # candidate pairs of one part: with what scoring them expands, about 150 MB a worker
NODES_AT_ONCE = 2**12
Score = Callable[[Tensor], Tensor]  # pairs [2, pairs] to logits [pairs]


@dataclass(frozen=True, eq=False)
class RankedLinks:
    """Links of some nodes, node by node and best first: `source`, `target`, `rank` from 1 and `score`, all [links]."""

    source: Tensor
    target: Tensor
    rank: Tensor
    score: Tensor


def ranking_parts(
    adjacency: Adjacency, nodes: Int64[Tensor, " nodes"], *, candidates: int | None, exclude_known: bool
) -> list[Tensor]:
    """Cut the nodes into parts of bounded work; the cut depends on nothing else, so that scores are the same again.

    (A matrix product may round a row differently beside other rows, in the last bit.)
    """
    if candidates is None:
        room = torch.full_like(nodes, adjacency.num_nodes)
    else:
        room = shortlist_room(adjacency, nodes, candidates_per_node=candidates, exclude_known=exclude_known)
    cost = room.clamp(min=PAIRS_AT_ONCE // NODES_AT_ONCE)
    return [nodes[part] for part in cost_chunks(cost, PAIRS_AT_ONCE)]


def ranked_links(
    score: Score,
    adjacency: Adjacency,
    parts: Sequence[Tensor],
    k: int,
    *,
    candidates: int | None,
    exclude_known: bool,
    workers: int = 1,
) -> Iterator[RankedLinks]:
    """Yield the best k links of each part's nodes, in order; fewer only where a node has fewer candidates.

    `candidates` is the size of a node's shortlist, see `shortlists`; None ranks every other node. Ties are in the order
    of the positions. With several workers as many parts are scored side by side, each in a thread: the same numbers.
    Memory: PAIRS_AT_ONCE pairs a worker, whatever the graph, or one node's candidates where these are more.
    """
    rank = partial(_ranked, score, adjacency, k=k, candidates=candidates, exclude_known=exclude_known)
    if workers == 1:
        yield from map(rank, parts)
        return
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[RankedLinks]] = deque()
        for part in parts:
            if len(waiting) > workers:  # a result that nobody fetched yet is memory
                yield waiting.popleft().result()
            waiting.append(pool.submit(rank, part))
        while waiting:
            yield waiting.popleft().result()


def candidate_lists(
    adjacency: Adjacency, nodes: Int64[Tensor, " nodes"], *, candidates: int | None, exclude_known: bool
) -> NodeLists:
    """Return the positions each node is ranked against, ascending: a shortlist, or (None) all others."""
    if candidates is not None:
        return shortlists(adjacency, nodes, candidates_per_node=candidates, exclude_known=exclude_known)
    place = torch.arange(len(nodes), device=nodes.device)
    chosen = torch.ones(len(nodes), adjacency.num_nodes, dtype=torch.bool, device=nodes.device)
    chosen[place, nodes] = False
    if exclude_known:
        for row, node in enumerate(nodes.tolist()):
            chosen[row, adjacency.column[adjacency.row_pointer[node] : adjacency.row_pointer[node + 1]]] = False
    pointer = torch.cat([place.new_zeros(1), chosen.sum(1).cumsum(0)])
    return NodeLists(pointer, chosen.nonzero()[:, 1])


def _ranked(
    score: Score, adjacency: Adjacency, nodes: Tensor, *, k: int, candidates: int | None, exclude_known: bool
) -> RankedLinks:
    lists = candidate_lists(adjacency, nodes, candidates=candidates, exclude_known=exclude_known)
    owner = lists.owner
    scores = _scored(score, torch.stack([nodes[owner], lists.node]), adjacency.num_nodes)
    order = scores.sort(descending=True, stable=True).indices  # stable: a tie stays in the nodes' order
    order = order[owner[order].sort(stable=True).indices]
    owner = owner[order]
    rank = torch.arange(1, owner.numel() + 1, device=owner.device) - lists.row_pointer[owner]
    best = order[rank <= k]
    return RankedLinks(nodes[lists.owner[best]], lists.node[best], rank[rank <= k], scores[best])


def _scored(score: Score, pairs: Tensor, num_nodes: int) -> Tensor:
    """Score each unordered pair once, the lower position first, so that both directions have the same score."""
    keys, place = pair_keys(pairs, num_nodes).unique(return_inverse=True)
    low = keys.div(max(num_nodes, 1), rounding_mode="floor")
    return score(torch.stack([low, keys - low * num_nodes]))[place]
