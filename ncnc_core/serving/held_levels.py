"""Node levels of a graph before some of its edges changed, brought up to date where they can have changed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.surroundings import nodes_within
from ncnc_core.kernels.neighbor_sampler import NO_LIMIT
from ncnc_core.networks.any_network import AnyNetwork
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.scoring import evaluating, node_levels
from ncnc_core.sampling.batch import encode_nodes
from ncnc_core.sampling.batch_sampler import BatchSampler

LARGEST_SHARE = 0.5  # of the entries read by one layer; above it encoding the whole graph costs about as much


@dataclass(frozen=True, eq=False)
class HeldLevels:
    """The node levels of an earlier graph, and `touched` [nodes], the ends of all edges that differ and the new nodes.

    The earlier graph is not needed: two nodes that only it joins are both touched.
    """

    levels: list[Tensor]
    touched: Tensor

    def and_then(self, touched: Int64[Tensor, " nodes"]) -> HeldLevels:
        """Return the same after more edges changed."""
        return HeldLevels(self.levels, torch.cat([self.touched, touched]))

    def on(self, network: AnyNetwork, features: Tensor | None, adjacency: Adjacency) -> list[Tensor]:
        """Return the levels on the graph as it is: those of `scoring.node_levels`, up to the order of summation.

        Only nodes within `reach` steps of a change are encoded, from whole rows. Where these rows are a large
        share of the graph, on an accelerator, and where edges have times, whose ages all change, every node is.
        """
        if not isinstance(network, LinkNetwork) or adjacency.column.device.type != "cpu":
            return node_levels(network, features, adjacency)
        layers = len(network.encoder.convolutions)
        read = nodes_within(adjacency, self.touched, reach(network) + max(layers - 1, 0))
        if int(adjacency.degree[read].sum()) > LARGEST_SHARE * adjacency.num_entries:
            return node_levels(network, features, adjacency)
        changed = nodes_within(adjacency, self.touched, reach(network)).nonzero().flatten()
        with evaluating(network):
            around = BatchSampler(adjacency, [int(NO_LIMIT)] * layers).around(network, changed)
            fresh = network.predictor.node_levels(encode_nodes(network, features, *around))
        return [_with_rows(*both, changed, adjacency.num_nodes) for both in zip(self.levels, fresh, strict=True)]


def reach(network: LinkNetwork) -> int:
    """Return how many steps from the ends of an edge that comes or goes embeddings can change.

    A step a layer: what a neighbour sends is divided by its degree. Structural features tell one step further.
    """
    return len(network.encoder.convolutions) + int(network.uses_structure)


def _with_rows(level: Tensor, rows: Tensor, nodes: Tensor, num_nodes: int) -> Tensor:
    """Return a copy of a level with room for all nodes, and with other rows at some."""
    copy = level.new_empty(num_nodes, level.shape[1])
    copy[: level.shape[0]] = level
    copy[nodes] = rows
    return copy
