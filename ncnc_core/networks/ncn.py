"""GAE, GAE+CN, NCN and its two extensions NCN2 and NCN-diff: one logit per pair from first-order neighbourhoods."""

from __future__ import annotations

from jaxtyping import Float, Int64
from torch import Tensor, nn

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.edge_dropout import drop_edges
from ncnc_core.graph.node_lists import NodeLists
from ncnc_core.graph.roles import OverlapGraph
from ncnc_core.graph.two_hop import two_hop_neighbors
from ncnc_core.networks.pair_head import PairHead, pair_product
from ncnc_core.networks.pooled_rows import pooled_logits
from ncnc_core.overlap.dense import is_dense, pool_common


class GAE(nn.Module):
    """logit = readout(pair_mlp(h_i * h_j)): no neighbourhood at all."""

    def __init__(self, *, head: PairHead) -> None:
        super().__init__()
        self.pair_mlp, self.readout = head.pair_mlp, head.readout

    def node_levels(self, h: Float[Tensor, "nodes channels"]) -> list[Tensor]:
        """Return [h]."""
        return [h]

    def forward(
        self, levels: list[Tensor], graph: OverlapGraph, pairs: Int64[Tensor, "2 pairs"]
    ) -> Float[Tensor, " pairs"]:
        """Return the logits; the graph is not looked at."""
        logits: Tensor = self.readout(self.pair_mlp(pair_product(levels[0], pairs)))
        return logits.squeeze(-1)


class GAECN(nn.Module):
    """logit = readout(beta * neighbor_mlp(|N(i) ∩ N(j)|) + pair_mlp(h_i * h_j)): the count alone, no transform."""

    def __init__(self, *, head: PairHead, edge_dropout: float, symmetric_edge_dropout: bool) -> None:
        super().__init__()
        self.head, self.edge_dropout, self.symmetric_edge_dropout = head, edge_dropout, symmetric_edge_dropout

    def node_levels(self, h: Float[Tensor, "nodes channels"]) -> list[Tensor]:
        """Return [h]."""
        return [h]

    def forward(
        self, levels: list[Tensor], graph: OverlapGraph, pairs: Int64[Tensor, "2 pairs"]
    ) -> Float[Tensor, " pairs"]:
        """Return the logits."""
        graph, _ = drop_edges(graph, self.edge_dropout, self.training, symmetric=self.symmetric_edge_dropout)
        count = graph.common_neighbors(pairs).count.unsqueeze(-1)  # [pairs, 1]
        return self.head(levels[0], pairs, count.to(levels[0].dtype))  # type: ignore[no-any-return]


class NCN(nn.Module):
    """logit = readout(beta * neighbor_mlp(sum of g over N(i) ∩ N(j)) + pair_mlp(h_i * h_j)), g = h + transform(h).

    Source: Wang et al., Neural Common Neighbor with Completion, arXiv:2302.00890.
    """

    def __init__(self, *, head: PairHead, edge_dropout: float, symmetric_edge_dropout: bool) -> None:
        super().__init__()
        self.head, self.edge_dropout, self.symmetric_edge_dropout = head, edge_dropout, symmetric_edge_dropout

    def node_levels(self, h: Float[Tensor, "nodes channels"]) -> list[Tensor]:
        """Return [h, g]; in evaluation once per graph, not once per batch."""
        return [h, self.head.node_values(h)]

    def forward(
        self, levels: list[Tensor], graph: OverlapGraph, pairs: Int64[Tensor, "2 pairs"]
    ) -> Float[Tensor, " pairs"]:
        """Return the logits."""
        graph, _ = drop_edges(graph, self.edge_dropout, self.training, symmetric=self.symmetric_edge_dropout)
        if is_dense(graph):
            g = levels[1] if len(levels) > 1 else self.head.node_values(levels[0])
            return self.head(levels[0], pairs, pool_common(graph, pairs, g))  # type: ignore[no-any-return]
        return pooled_logits(self.head, levels, pairs, graph.common_neighbors(pairs))


class NCN2(nn.Module):
    """NCN plus a branch for the sum of g over (N(i) ∩ N2(j)) and (N2(i) ∩ N(j)), N2 the support of A squared."""

    def __init__(self, *, head: PairHead, edge_dropout: float, symmetric_edge_dropout: bool) -> None:
        super().__init__()
        self.head, self.edge_dropout, self.symmetric_edge_dropout = head, edge_dropout, symmetric_edge_dropout

    def node_levels(self, h: Float[Tensor, "nodes channels"]) -> list[Tensor]:
        """Return [h, g]."""
        return [h, self.head.node_values(h)]

    def forward(
        self, levels: list[Tensor], graph: Adjacency, pairs: Int64[Tensor, "2 pairs"]
    ) -> Float[Tensor, " pairs"]:
        """Return the logits."""
        graph, _ = drop_edges(graph, self.edge_dropout, self.training, symmetric=self.symmetric_edge_dropout)
        wider = two_hop_neighbors(graph, pairs)
        common = graph.common_neighbors(pairs)
        return pooled_logits(self.head, levels, pairs, common, NodeLists.joined(wider))


class NCNDiff(nn.Module):
    """NCN plus a branch for the sum of g over the neighbours that only one of the two nodes has."""

    def __init__(
        self,
        *,
        head: PairHead,
        edge_dropout: float,
        symmetric_edge_dropout: bool,
        score_known_edges_as_published: bool,
    ) -> None:
        super().__init__()
        self.head, self.edge_dropout, self.symmetric_edge_dropout = head, edge_dropout, symmetric_edge_dropout
        self.skip_other = not score_known_edges_as_published

    def node_levels(self, h: Float[Tensor, "nodes channels"]) -> list[Tensor]:
        """Return [h, g]."""
        return [h, self.head.node_values(h)]

    def forward(
        self, levels: list[Tensor], graph: OverlapGraph, pairs: Int64[Tensor, "2 pairs"]
    ) -> Float[Tensor, " pairs"]:
        """Return the logits."""
        graph, _ = drop_edges(graph, self.edge_dropout, self.training, symmetric=self.symmetric_edge_dropout)
        common = graph.common_neighbors(pairs)
        one_sided = [
            graph.exclusive_neighbors(node, other, common, skip_other=self.skip_other)
            for node, other in ((pairs[0], pairs[1]), (pairs[1], pairs[0]))
        ]
        return pooled_logits(self.head, levels, pairs, common, NodeLists.joined(one_sided))
