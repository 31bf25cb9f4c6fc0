"""GAE, and NCN with its kin GAE+CN, NCN2 and NCN-diff: one logit per pair from first-order neighbourhoods."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from ncnc_core.graph.edge_dropout import drop_edges
from ncnc_core.graph.node_lists import NodeLists
from ncnc_core.graph.roles import OverlapGraph
from ncnc_core.networks.neighborhoods import Neighborhoods, RoleLists
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

    def prepared(self, levels: list[Tensor], graph: OverlapGraph, pairs: Tensor) -> GAE:
        """Return itself: calls have nothing in common to be done once."""
        return self

    def expanded(self, graph: OverlapGraph, pairs: Int64[Tensor, "2 pairs"]) -> Int64[Tensor, " pairs"]:
        """Return 0 for each pair: no neighbour is held."""
        return torch.zeros_like(pairs[0])

    def forward(
        self, levels: list[Tensor], graph: OverlapGraph, pairs: Int64[Tensor, "2 pairs"]
    ) -> Float[Tensor, " pairs"]:
        """Return the logits; the graph is not looked at."""
        return self.product_logits(pair_product(levels[0], pairs))

    def product_logits(self, products: Tensor, *pooled: Tensor) -> Float[Tensor, " pairs"]:
        """Return the logits from the products h_i * h_j; nothing is pooled."""
        logits: Tensor = self.readout(self.pair_mlp(products))
        return logits.squeeze(-1)

    def pooled_values(self, levels: list[Tensor]) -> Float[Tensor, "nodes channels"]:
        """Return h; nothing is pooled."""
        return levels[0]

    def pooled_lists(self, levels: list[Tensor], graph: OverlapGraph, pairs: Tensor) -> list[RoleLists]:
        """Return no lists."""
        return []


class NCN(nn.Module):
    """logit = readout(beta * neighbor_mlp(sum of g over N(i) ∩ N(j)) + pair_mlp(h_i * h_j)), g = h + transform(h).

    With `beside`, extra_mlp(sum of g over the lists it names) is added before the readout: NCN2 and NCN-diff. With
    `counts`, each common neighbour is worth one in place of g, so that their number is pooled: GAE+CN.
    Source: Wang et al., Neural Common Neighbor with Completion, arXiv:2302.00890.
    """

    def __init__(
        self,
        *,
        head: PairHead,
        edge_dropout: float,
        symmetric_edge_dropout: bool,
        beside: Neighborhoods | None = None,
        counts: bool = False,
    ) -> None:
        super().__init__()
        self.head, self.edge_dropout, self.symmetric_edge_dropout = head, edge_dropout, symmetric_edge_dropout
        self.beside, self.counts = beside, counts

    def node_levels(self, h: Float[Tensor, "nodes channels"]) -> list[Tensor]:
        """Return [h, g], or [h] to count; in evaluation once per graph, not once per batch."""
        return [h] if self.counts else [h, self.head.node_values(h)]

    def prepared(self, levels: list[Tensor], graph: OverlapGraph, pairs: Tensor) -> NCN:
        """Return itself: calls have nothing in common to be done once."""
        return self

    def expanded(self, graph: OverlapGraph, pairs: Int64[Tensor, "2 pairs"]) -> Int64[Tensor, " pairs"]:
        """Return how many neighbours each pair holds at a time, at most.

        Those of the smaller node: a hub's list is searched, and not held, for each of its small partners. Where others
        are pooled beside the common ones, those of both.
        """
        degree = graph.degree[pairs]
        return degree.amin(0) if self.beside is None else degree.sum(0)

    def forward(
        self, levels: list[Tensor], graph: OverlapGraph, pairs: Int64[Tensor, "2 pairs"]
    ) -> Float[Tensor, " pairs"]:
        """Return the logits."""
        graph, _ = drop_edges(graph, self.edge_dropout, self.training, symmetric=self.symmetric_edge_dropout)
        h = levels[0]
        if self.counts:
            count = graph.common_neighbors(pairs).count.unsqueeze(-1)  # [pairs, 1]
            return self.head(h, pairs, count.to(h.dtype))  # type: ignore[no-any-return]
        if self.beside is None and is_dense(graph):
            g = levels[1] if len(levels) > 1 else self.head.node_values(h)
            return self.head(h, pairs, pool_common(graph, pairs, g))  # type: ignore[no-any-return]
        slots = self.pooled_lists(levels, graph, pairs)
        return pooled_logits(self.head, levels, pairs, *(_joined(slot) for slot in slots))

    def product_logits(self, products: Tensor, *pooled: Tensor) -> Float[Tensor, " pairs"]:
        """Return the logits from the products h_i * h_j and the pooled sums, one for each of `pooled_lists`."""
        return self.head.of_products(products, *pooled)

    def pooled_values(self, levels: list[Tensor]) -> Float[Tensor, "nodes channels"]:
        """Return what each node adds to a sum: g, or one."""
        return levels[0].new_ones(levels[0].shape[0], 1) if self.counts else levels[1]

    def pooled_lists(self, levels: list[Tensor], graph: OverlapGraph, pairs: Tensor) -> list[RoleLists]:
        """Return the lists of each pooled sum, by role."""
        common = graph.common_neighbors(pairs)
        first: RoleLists = [("common", common)]
        return [first] if self.beside is None else [first, self.beside(graph, pairs, common)]


def _joined(slot: RoleLists) -> NodeLists:
    return slot[0][1] if len(slot) == 1 else NodeLists.joined([lists for _, lists in slot])
