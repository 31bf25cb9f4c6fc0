"""A graph with a share of its edges removed or added at random, to see how much scores hang on single edges."""

from __future__ import annotations

import torch
from jaxtyping import Int64
from torch import Tensor

from ncnc_core.config.choices import GraphChange
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency, pair_keys


def perturbed(adjacency: Adjacency, change: GraphChange, share: float, generator: torch.Generator) -> Adjacency:
    """Return the graph with round(share * edges) edges removed, or added between nodes that have an edge.

    Added pairs are drawn uniformly among such nodes, so that what is added is noise and no likelier link; a pair that
    is an edge already is drawn again, a few times, and then left out. At least one edge changes. Where edges have
    times, an added one has that of some edge's last event.

    Raises:
        InvalidGraph: the share is no number between 0 and 1, or the graph has no edge.
    """
    if not 0 < share < 1 or adjacency.num_edges == 0:
        raise InvalidGraph(
            f"A share between 0 and 1 of a graph's edges can be changed, but the share is {share} and there are "
            f"{adjacency.num_edges} edges. Give 0.01, say, and a graph with edges."
        )
    count = max(1, round(share * adjacency.num_edges))
    edges = adjacency.edges()
    if change == "remove":
        gone = torch.randperm(edges.shape[1], generator=generator, device=generator.device)[:count]
        return adjacency.without(edges[:, gone.to(edges.device)])
    added = _absent_pairs(adjacency, count, generator)
    times = None
    if adjacency.times is not None:  # noise as old as the edges that there are
        own = adjacency.times.kept(adjacency.row < adjacency.column)
        like = torch.randint(edges.shape[1], (added.shape[1],), generator=generator, device=generator.device)
        times = own.with_more(own.last[like.to(edges.device)])
    return Adjacency.from_edges(torch.cat([edges, added], 1), adjacency.num_nodes, times=times)


def _absent_pairs(adjacency: Adjacency, count: int, generator: torch.Generator) -> Int64[Tensor, "2 pairs"]:
    nodes = (adjacency.degree > 0).nonzero().flatten()
    places = torch.randint(len(nodes), (2, 4 * count + 16), generator=generator, device=generator.device)
    drawn = nodes[places.to(nodes.device)]
    drawn = drawn[:, drawn[0] != drawn[1]]
    drawn = drawn[:, ~adjacency.has(drawn)]
    keys, place = pair_keys(drawn, adjacency.num_nodes).unique(return_inverse=True)
    first = torch.full_like(keys, drawn.shape[1])
    first = first.scatter_reduce(0, place, torch.arange(len(place), device=place.device), "amin").sort().values
    return drawn[:, first[:count]]
