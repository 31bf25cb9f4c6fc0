"""The candidates of a node that the model scores: near ones found by random walks, and those of highest degree."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Int64
from numpy.typing import NDArray
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.node_lists import NodeLists
from ncnc_core.kernels import shortlist as kernels
from ncnc_core.kernels.thread_slices import in_slices

CANDIDATES_PER_NODE = 100  # measured on as_caida by benchmarks/recommendation.py, see docs/serving.md
NEAR_PER_LINK = 8  # more by each of the two walks for every link a node has: a hub's next partners are many, and small
# Of these at most: a hub of 10,000 links would have 160,000 candidates. See "The shortlist" in docs/serving.md.
MOST_NEAR = 8192
WALK_UNTIL = 1e-5  # of the walk, along one edge: a step of it touches at most 1 / WALK_UNTIL edges


def shortlists(
    adjacency: Adjacency,
    nodes: Int64[Tensor, " nodes"],
    *,
    candidates_per_node: int = CANDIDATES_PER_NODE,
    exclude_known: bool = True,
) -> NodeLists:
    """Return the candidates of each node, ascending, never the node itself; fewer only where the graph has no more.

    A third are those that share most by resource allocation, which is where two random steps end; a third those where
    three steps end, times the root of their degree (a link that completion believes in closes a path of three edges);
    the rest are the busiest nodes, for links far away. Where a walk finds fewer, the next kind fills up. For every
    link of its own a node gets NEAR_PER_LINK more of each of the first two kinds, up to MOST_NEAR. Known links only
    where they are not excluded, and then beside all these.
    Cost: at most 2 / WALK_UNTIL edges a node; memory O(graph) a thread and 8 bytes a candidate.

    Raises:
        InvalidGraph: fewer than one candidate is asked for.
    """
    if candidates_per_node < 1:
        raise InvalidGraph(
            f"A shortlist holds at least one candidate a node, but candidates_per_node is {candidates_per_node}. "
            "Ask for 1 or more."
        )
    room = shortlist_room(adjacency, nodes, candidates_per_node=candidates_per_node, exclude_known=exclude_known)
    degree = adjacency.degree.cpu().numpy()
    own = degree[nodes.cpu().numpy()]
    near = candidates_per_node // 3 + np.minimum(NEAR_PER_LINK * own, MOST_NEAR)
    busiest, busy_rank = _by_degree(degree)
    place = np.concatenate([[0], np.cumsum(room.cpu().numpy())])
    found, filled = np.empty(int(place[-1]), np.int64), np.empty(len(own), np.int64)
    graph = [one.cpu().numpy() for one in (adjacency.row_pointer, adjacency.column)]
    sources = nodes.cpu().contiguous().numpy()

    def loop(start: int, stop: int) -> None:
        kernels.shortlists(
            *graph, busiest, busy_rank, sources, start, stop, exclude_known, near, WALK_UNTIL, place, found, filled
        )

    in_slices(loop, len(own), least=64)
    pointer, node = _without_empty_room(*(torch.from_numpy(one) for one in (place, found, filled)))
    return NodeLists(pointer.to(nodes.device), node.to(nodes.device))


def _by_degree(degree: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the nodes by falling degree, and each node's rank among them, both [nodes]."""
    busiest = np.argsort(-degree, kind="stable")
    rank = np.empty_like(busiest)
    rank[busiest] = np.arange(busiest.size)
    return busiest, rank


def _without_empty_room(pointer: Tensor, node: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Return the lists as compressed rows, where the graph had too few nodes to fill the room of some."""
    if int(lengths.sum()) == node.numel():
        return pointer, node
    inside = torch.arange(node.numel()) - pointer[:-1].repeat_interleave(pointer.diff())
    filled = inside < lengths.repeat_interleave(pointer.diff())
    return torch.cat([pointer[:1], lengths.cumsum(0)]), node[filled]


def shortlist_room(
    adjacency: Adjacency, nodes: Int64[Tensor, " nodes"], *, candidates_per_node: int, exclude_known: bool
) -> Int64[Tensor, " nodes"]:
    """Return how many candidates each node's shortlist may hold: what scoring them costs, known beforehand."""
    own = adjacency.degree[nodes]
    known = torch.zeros_like(own) if exclude_known else own
    most = adjacency.num_nodes - 1 - (own if exclude_known else torch.zeros_like(own))
    return torch.minimum(candidates_per_node + 2 * (NEAR_PER_LINK * own).clamp(max=MOST_NEAR) + known, most)
