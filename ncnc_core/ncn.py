"""GAE, GAE+CN, NCN and its two extensions NCN2 and NCN-diff: one logit per pair from first-order neighbourhoods."""

from __future__ import annotations

from jaxtyping import Float, Int64
from torch import Tensor, nn

from ncnc_core.adjacency import Adjacency
from ncnc_core.dense_overlap import is_dense, pool_common
from ncnc_core.edge_dropout import drop_edges
from ncnc_core.overlap import common_neighbors, exclusive_neighbors, shared_neighbors
from ncnc_core.pair_head import PairHead
from ncnc_core.two_hop import two_hop_rows


class GAE(nn.Module):
    """logit = readout(pair_mlp(h_i * h_j)): no neighbourhood at all."""

    def __init__(self, *, head: PairHead) -> None:
        super().__init__()
        self.pair_mlp, self.readout = head.pair_mlp, head.readout

    def node_levels(self, h: Float[Tensor, "nodes channels"]) -> list[Tensor]:
        """Return [h]."""
        return [h]

    def forward(
        self, levels: list[Tensor], adjacency: Adjacency, pairs: Int64[Tensor, "2 pairs"]
    ) -> Float[Tensor, " pairs"]:
        """Return the logits; the adjacency is not looked at."""
        logits: Tensor = self.readout(self.pair_mlp(levels[0][pairs[0]] * levels[0][pairs[1]]))
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
        self, levels: list[Tensor], adjacency: Adjacency, pairs: Int64[Tensor, "2 pairs"]
    ) -> Float[Tensor, " pairs"]:
        """Return the logits."""
        adjacency, _ = drop_edges(adjacency, self.edge_dropout, self.training, symmetric=self.symmetric_edge_dropout)
        count = common_neighbors(adjacency, pairs).count.unsqueeze(-1)  # [pairs, 1]
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
        self, levels: list[Tensor], adjacency: Adjacency, pairs: Int64[Tensor, "2 pairs"]
    ) -> Float[Tensor, " pairs"]:
        """Return the logits."""
        adjacency, _ = drop_edges(adjacency, self.edge_dropout, self.training, symmetric=self.symmetric_edge_dropout)
        h, g = levels
        if is_dense(adjacency):
            return self.head(h, pairs, pool_common(adjacency, pairs, g))  # type: ignore[no-any-return]
        return self.head(h, pairs, common_neighbors(adjacency, pairs).sum_rows(g))  # type: ignore[no-any-return]


class NCN2(nn.Module):
    """NCN plus a branch for the sum of g over (N(i) ∩ N2(j)) and (N2(i) ∩ N(j)), N2 the support of A squared."""

    def __init__(self, *, head: PairHead, edge_dropout: float, symmetric_edge_dropout: bool) -> None:
        super().__init__()
        self.head, self.edge_dropout, self.symmetric_edge_dropout = head, edge_dropout, symmetric_edge_dropout

    def node_levels(self, h: Float[Tensor, "nodes channels"]) -> list[Tensor]:
        """Return [h, g]."""
        return [h, self.head.node_values(h)]

    def forward(
        self, levels: list[Tensor], adjacency: Adjacency, pairs: Int64[Tensor, "2 pairs"]
    ) -> Float[Tensor, " pairs"]:
        """Return the logits."""
        adjacency, _ = drop_edges(adjacency, self.edge_dropout, self.training, symmetric=self.symmetric_edge_dropout)
        h, g = levels
        far = two_hop_rows(adjacency, pairs.unique())
        wider = shared_neighbors(adjacency, far, pairs[0], pairs[1]).sum_rows(g)
        wider = wider + shared_neighbors(adjacency, far, pairs[1], pairs[0]).sum_rows(g)
        pooled = common_neighbors(adjacency, pairs).sum_rows(g)
        return self.head(h, pairs, pooled, wider)  # type: ignore[no-any-return]


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
        self, levels: list[Tensor], adjacency: Adjacency, pairs: Int64[Tensor, "2 pairs"]
    ) -> Float[Tensor, " pairs"]:
        """Return the logits."""
        adjacency, _ = drop_edges(adjacency, self.edge_dropout, self.training, symmetric=self.symmetric_edge_dropout)
        h, g = levels
        common = common_neighbors(adjacency, pairs)
        one_sided = sum(
            exclusive_neighbors(adjacency, node, other, common, skip_other=self.skip_other).sum_rows(g)
            for node, other in ((pairs[0], pairs[1]), (pairs[1], pairs[0]))
        )
        return self.head(h, pairs, common.sum_rows(g), one_sided)  # type: ignore[no-any-return]
