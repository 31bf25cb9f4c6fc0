"""NCNC: NCN with completion, which also pools one-sided neighbours, weighted by the belief in the missing link."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeGuard

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from ncnc_core.graph.adjacency import Adjacency, pair_keys
from ncnc_core.graph.cost_chunks import cost_chunks
from ncnc_core.graph.edge_dropout import drop_edges
from ncnc_core.graph.node_lists import NodeLists
from ncnc_core.graph.roles import OverlapGraph
from ncnc_core.networks.completion import AskedLinks, completion_weight
from ncnc_core.networks.dense_completion import belief_matrix, fits_belief_matrix
from ncnc_core.networks.neighborhoods import RoleLists
from ncnc_core.networks.pair_head import PairHead
from ncnc_core.networks.pooled_rows import NodeRows, PooledRows, occupied_logits, pooled_logits
from ncnc_core.overlap.dense import is_dense, pool_common, pool_completed

Scorer = Callable[[list[Tensor], OverlapGraph, Tensor], Tensor]  # a predictor: node levels, graph and pairs to logits


class NCNC(nn.Module):
    """NCN with completion: u in N(i) minus N(j) is pooled with the weight of the link (j, u), scored by NCNC itself.

    pooled = sum of g over N(i) ∩ N(j) + sum of p(j, u) g_u over N(i) minus N(j) + sum of p(i, u) g_u over N(j) minus
    N(i); p = completion_weight(logit at depth - 1). Depth 0 is NCN. As published, the recursion takes g where the
    outer call takes h (or h again: a switch), and lets no gradient through p; the published dropout (of edges too)
    inside it is a switch.
    Cost: d_i + d_j inner pairs a pair and depth; `max_neighbors` bounds it at hubs.
    Source: Wang et al., Neural Common Neighbor with Completion, arXiv:2302.00890.
    """

    def __init__(
        self,
        *,
        head: PairHead,
        edge_dropout: float,
        symmetric_edge_dropout: bool,
        depth: int,
        scale: float,
        offset: float,
        alpha: float,
        max_neighbors: int | None,
        chunk: int,
        score_known_edges_as_published: bool,
        noisy_completion_as_published: bool,
        reads_raw_embeddings: bool,
        precision: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.head, self.edge_dropout, self.symmetric_edge_dropout = head, edge_dropout, symmetric_edge_dropout
        self.depth = depth if alpha > 0 else 0
        self.scale, self.offset, self.alpha = scale, offset, alpha
        self.max_neighbors, self.chunk = max_neighbors, chunk
        self.skip_other = not score_known_edges_as_published
        self.noisy = noisy_completion_as_published
        self.reads_raw_embeddings, self.precision = reads_raw_embeddings, precision

    def node_levels(self, h: Float[Tensor, "nodes channels"]) -> list[Tensor]:
        """Return [h, g]; in evaluation once per graph, not once per batch."""
        return [h, self.head.node_values(h)]

    def inner_levels(self, levels: list[Tensor]) -> list[Tensor]:
        """Return [h, g] of every node as the first inner call takes them, without gradients."""
        h = levels[0] if self.reads_raw_embeddings else levels[1]
        with self._inner_mode():
            return self.node_levels(h.detach())

    def prepared(self, levels: list[Tensor], graph: OverlapGraph, pairs: Int64[Tensor, "2 pairs"]) -> Scorer:
        """Return what scores these pairs, in any number of calls: on a dense graph the beliefs are found once for all.

        The levels and the graph of those calls are to be these ones. Dropped edges are drawn anew in every call, and
        so are beliefs then.
        """
        if (self.training and self.edge_dropout > 0) or not self.completes_densely(graph):
            return self
        return partial(self, belief=self._belief(levels, graph, pairs))

    def expanded(self, graph: OverlapGraph, pairs: Int64[Tensor, "2 pairs"]) -> Int64[Tensor, " pairs"]:
        """Return how many neighbours each pair holds at a time, at most: common ones, and those that are completed."""
        degree = graph.degree[pairs]
        if not self.depth:
            return degree.amin(0)
        return degree.amin(0) + degree.clamp(max=self.max_neighbors or graph.num_nodes).sum(0)

    def forward(
        self,
        levels: list[Tensor],
        graph: OverlapGraph,
        pairs: Int64[Tensor, "2 pairs"],
        belief: Float[Tensor, "nodes nodes"] | None = None,
    ) -> Float[Tensor, " pairs"]:
        """Return the logits; `belief` is what `prepared` found.

        With [h] for levels, only the nodes that these pairs read are transformed: what a training step wants.
        """
        graph, _ = drop_edges(graph, self.edge_dropout, self.training, symmetric=self.symmetric_edge_dropout)
        if self.completes_densely(graph) or (not self.depth and is_dense(graph)):
            return self._dense_logits(levels, graph, pairs, belief)
        common = graph.common_neighbors(pairs)
        if not self.depth:
            return pooled_logits(self.head, levels, pairs, common)
        rows, asked = self.asked(levels, graph, pairs, common)
        return self.head(levels[0], pairs, rows.sum(NodeLists.joined([common, *asked.weighed(self._weight)])))  # type: ignore[no-any-return]

    def asked(
        self, levels: list[Tensor], graph: OverlapGraph, pairs: Int64[Tensor, "2 pairs"], common: NodeLists
    ) -> tuple[PooledRows, AskedLinks]:
        """Return the values of all nodes that these pairs pool, and the missing links that their completion asks for.

        At depth 1 nothing here depends on scale, offset and alpha, and it is nearly all the work.
        """
        sides = self._one_sided(graph, pairs, common, levels[0])
        rows = PooledRows.of(self.head, levels, [common, *sides])
        return rows, self._asked(self._inner_rows(levels[0], rows, pairs), graph, pairs, sides, self.depth)

    def completion(self, levels: list[Tensor], graph: OverlapGraph, pairs: Int64[Tensor, "2 pairs"]) -> list[NodeLists]:
        """Return the one-sided neighbours of i and of j, weighted as they are pooled; [] without completion."""
        if not self.depth:
            return []
        return self.asked(levels, graph, pairs, graph.common_neighbors(pairs))[1].weighed(self._weight)

    def product_logits(self, products: Tensor, *pooled: Tensor) -> Float[Tensor, " pairs"]:
        """Return the logits from the products h_i * h_j and the pooled sum."""
        return self.head.of_products(products, *pooled)

    def pooled_values(self, levels: list[Tensor]) -> Float[Tensor, "nodes channels"]:
        """Return what each node adds to the sum: g."""
        return levels[1]

    def pooled_lists(self, levels: list[Tensor], graph: OverlapGraph, pairs: Tensor) -> list[RoleLists]:
        """Return the lists of the one pooled sum, by role: the one-sided neighbours weighted as they are completed."""
        lists: RoleLists = [("common", graph.common_neighbors(pairs))]
        completed = self.completion(levels, graph, pairs)
        return [lists + list(zip(("source_only", "target_only"), completed, strict=False))]

    def _dense_logits(self, levels: list[Tensor], graph: Adjacency, pairs: Tensor, belief: Tensor | None) -> Tensor:
        levels = levels if len(levels) > 1 else self.node_levels(levels[0])
        if not self.depth:
            return self.head(levels[0], pairs, pool_common(graph, pairs, levels[1]))  # type: ignore[no-any-return]
        belief = self._belief(levels, graph, pairs) if belief is None else belief
        pooled = pool_completed(graph, pairs, levels[1], belief, skip_other=self.skip_other)
        return self.head(levels[0], pairs, pooled)  # type: ignore[no-any-return]

    def completes_densely(self, graph: OverlapGraph) -> TypeGuard[Adjacency]:
        """Return whether the belief in each missing link is one number, and the graph small enough for a matrix."""
        return (
            self.depth == 1
            and not (self.training and self.noisy)
            and fits_belief_matrix(graph)
            and (self.max_neighbors is None or int(graph.degree.max()) <= self.max_neighbors)
        )

    def _belief(self, levels: list[Tensor], graph: Adjacency, pairs: Tensor) -> Tensor:
        inner = self.inner_levels(levels)
        return belief_matrix(
            self.head, inner, graph, pairs, self._weight, skip_other=self.skip_other, precision=self.precision
        )

    def _weight(self, logits: Tensor) -> Tensor:
        return completion_weight(logits, scale=self.scale, offset=self.offset, alpha=self.alpha)

    def _one_sided(self, graph: OverlapGraph, pairs: Tensor, common: NodeLists, h: Tensor | None) -> list[NodeLists]:
        """Return N(i) minus N(j), and N(j) minus N(i); what is kept of long ones is spaced along an order of h."""
        return [
            graph.exclusive_neighbors(
                node,
                other,
                common,
                skip_other=self.skip_other,
                limit=self.max_neighbors,
                random=self.training,
                order_by=h,
            )
            for node, other in ((pairs[0], pairs[1]), (pairs[1], pairs[0]))
        ]

    def _inner_rows(self, h: Tensor, rows: PooledRows, pairs: Tensor) -> NodeRows:
        """Return what the inner call takes for h at the nodes of the pairs and of their lists."""
        if self.reads_raw_embeddings:
            return NodeRows(h)
        inner = rows.rows(self.head, h)
        inner.at(pairs.flatten())  # in this call's mode: its dropout is that of the rows it pools
        return inner

    def _asked(self, h: NodeRows, graph: OverlapGraph, pairs: Tensor, sides: list[NodeLists], depth: int) -> AskedLinks:
        """Return the one-sided neighbours of i and of j with the logits of their missing links."""
        inner = [
            torch.stack([other[lists.owner], lists.node]) for lists, other in zip(sides, pairs.flip(0), strict=True)
        ]
        with self._inner_mode():
            return AskedLinks(sides, self._inner_logits(h, graph, torch.cat(inner, 1), depth - 1))

    @contextmanager
    def _inner_mode(self) -> Iterator[None]:
        """No gradients; and no dropout either, unless the published noise in the probabilities is asked for."""
        was_training = self.training
        self.train(was_training and self.noisy)
        device_type = self.head.beta.device.type
        halved = self.precision == torch.bfloat16 or torch.is_autocast_enabled(device_type)  # or training is, already
        try:
            with torch.no_grad(), torch.autocast(device_type, torch.bfloat16, enabled=halved):
                yield
        finally:
            self.train(was_training)

    def _inner_logits(self, h: NodeRows, graph: OverlapGraph, inner: Tensor, depth: int) -> Tensor:
        """Score each distinct unordered inner pair once, in chunks bounded by the neighbours they expand."""
        n = graph.num_nodes
        keys, inverse = torch.unique(pair_keys(inner, n), return_inverse=True)
        low = keys.div(n, rounding_mode="floor")
        distinct = torch.stack([low, keys - low * n])
        g = NodeRows(h, self.head.node_values)
        # Rows of bits expand no neighbours: there a chunk is so many pairs.
        expanded = graph.degree[distinct].min(dim=0).values
        cost = torch.ones_like(expanded) if not depth and is_dense(graph) else 1 + expanded
        logits = [self._inner_chunk(h, g, graph, distinct[:, part], depth) for part in cost_chunks(cost, self.chunk)]
        return torch.cat([torch.zeros(0, device=keys.device), *logits])[inverse]

    def _inner_chunk(self, h: NodeRows, g: NodeRows, graph: OverlapGraph, pairs: Tensor, depth: int) -> Tensor:
        """Return the logits of the inner pairs, [pairs] float32; the published noise drops edges once more."""
        graph, _ = drop_edges(graph, self.edge_dropout, self.training, symmetric=self.symmetric_edge_dropout)
        ends = h.at(pairs.flatten(), are_known=self.depth == 1)  # the pairs' own nodes, and those that they pool
        if not depth and is_dense(graph):
            return self.head(ends, pairs, pool_common(graph, pairs, g.all())).float()  # type: ignore[no-any-return]
        lists = graph.common_neighbors(pairs)
        if depth:
            is_ordered = self.max_neighbors is not None and not self.training
            sides = self._one_sided(graph, pairs, lists, h.all() if is_ordered else None)
            inner = h if self.reads_raw_embeddings else g
            asked = self._asked(inner, graph, pairs, sides, depth)
            lists = NodeLists.joined([lists, *asked.weighed(self._weight)])
        values = g.at(lists.node)
        if self.training:
            return self.head(ends, pairs, lists.sum_rows(values)).float()  # type: ignore[no-any-return]
        return occupied_logits(self.head, ends, pairs, lists, values).float()
