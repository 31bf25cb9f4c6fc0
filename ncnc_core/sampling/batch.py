"""What one batch of pairs needs of a whole graph."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.graph.sampled_adjacency import SampledAdjacency
from ncnc_core.inputs.features import feature_rows
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.overlap.sampled import SampledOverlap
from ncnc_core.sampling.gathered_rows import GatheredRows, encode_gathered


@dataclass(frozen=True, eq=False)
class SampledBatch:
    """A batch in positions of its own: `nodes` [batch nodes] are their positions in the whole graph.

    The first `overlap.num_nodes` of them are those whose embeddings are scored or pooled; `message` is what these are
    computed from, `pairs` [2, pairs] what is scored.
    """

    nodes: Tensor
    message: SampledAdjacency
    overlap: SampledOverlap
    pairs: Tensor

    def encode(self, network: LinkNetwork, features: Tensor | None) -> Float[Tensor, "nodes channels"]:
        """Return the embeddings of the nodes that are scored or pooled; `features` are those of the whole graph."""
        if isinstance(self.message, GatheredRows) and features is not None:
            return encode_gathered(network, features, self.nodes, self.message)[: self.overlap.num_nodes]
        return encode_nodes(network, features, self.nodes, self.message)[: self.overlap.num_nodes]


def encode_nodes(
    network: LinkNetwork, features: Tensor | None, nodes: Int64[Tensor, " nodes"], message: SampledAdjacency
) -> Float[Tensor, "rows channels"]:
    """Return the embeddings of those nodes that the last layer has rows for; `features` are those of the whole graph.

    `nodes` are the positions, in the whole graph, of the nodes of `message`.
    """
    device = message.column.device
    rows = None if features is None else feature_rows(features, nodes).to(device)
    ids = None if network.num_ids == 0 else nodes.to(device)
    if rows is not None and rows.dim() == 1:
        ids = None  # features that are ids themselves
    return network.encode(rows, message, ids=ids)
