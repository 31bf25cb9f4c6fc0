"""NCNC: NCN whose one-sided neighbours count too, as far as NCN itself believes in the link that is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from ncnc_core.adjacency import Adjacency
from ncnc_core.completion import completion_weight
from ncnc_core.cost_chunks import cost_chunks
from ncnc_core.dense_completion import belief_matrix, fits_belief_matrix
from ncnc_core.dense_overlap import is_dense, pool_common, pool_completed
from ncnc_core.edge_dropout import drop_edges
from ncnc_core.overlap import NodeLists, common_neighbors, exclusive_neighbors
from ncnc_core.pair_head import PairHead

Scorer = Callable[[list[Tensor], Adjacency, Tensor], Tensor]  # a predictor: node levels, graph and pairs to logits


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
    ) -> None:
        super().__init__()
        self.head, self.edge_dropout, self.symmetric_edge_dropout = head, edge_dropout, symmetric_edge_dropout
        self.depth = depth if alpha > 0 else 0
        self.scale, self.offset, self.alpha = scale, offset, alpha
        self.max_neighbors, self.chunk = max_neighbors, chunk
        self.skip_other = not score_known_edges_as_published
        self.noisy = noisy_completion_as_published
        self.reads_raw_embeddings = reads_raw_embeddings
        self.levels_a_call = 2 if reads_raw_embeddings else 1

    def node_levels(self, h: Float[Tensor, "nodes channels"]) -> list[Tensor]:
        """Return [h, g, g of g, ...], depth + 2 long; each is what the next inner call takes for h.

        Where the recursion reads the raw embeddings: h and g for the outer call, then h and g for each inner one.
        """
        levels, training = [h, self.head.node_values(h)], self.training
        with self._inner_mode():
            if self.reads_raw_embeddings and self.depth:
                # In training the outer g went through dropout, which the inner pass does without.
                inner = [h, self.head.node_values(h) if training else levels[1]]
                return levels + inner * self.depth
            for _ in range(self.depth):
                levels.append(self.head.node_values(levels[-1]))
        return levels

    def prepared(self, levels: list[Tensor], adjacency: Adjacency, pairs: Int64[Tensor, "2 pairs"]) -> Scorer:
        """Return what scores these pairs, in any number of calls: on a dense graph the beliefs are found once for all.

        The levels and the graph of those calls are to be these ones. Dropped edges are drawn anew in every call, and
        so are beliefs then.
        """
        if (self.training and self.edge_dropout > 0) or not self._completes_densely(levels, adjacency):
            return self
        return partial(self, belief=self._belief(levels, adjacency, pairs))

    def forward(
        self,
        levels: list[Tensor],
        adjacency: Adjacency,
        pairs: Int64[Tensor, "2 pairs"],
        belief: Float[Tensor, "nodes nodes"] | None = None,
    ) -> Float[Tensor, " pairs"]:
        """Return the logits; `belief` is what `prepared` found."""
        adjacency, _ = drop_edges(adjacency, self.edge_dropout, self.training, symmetric=self.symmetric_edge_dropout)
        h, g = levels[:2]
        if len(levels) == 2 and is_dense(adjacency):
            return self.head(h, pairs, pool_common(adjacency, pairs, g))  # type: ignore[no-any-return]
        if self._completes_densely(levels, adjacency):
            belief = self._belief(levels, adjacency, pairs) if belief is None else belief
            pooled = pool_completed(adjacency, pairs, g, belief, skip_other=self.skip_other)
            return self.head(h, pairs, pooled)  # type: ignore[no-any-return]
        common = common_neighbors(adjacency, pairs)
        pooled = common.sum_rows(g)
        if len(levels) == 2:
            return self.head(h, pairs, pooled, occupied=common.occupied)  # type: ignore[no-any-return]
        for lists in self._completed(levels[self.levels_a_call :], adjacency, pairs, common):
            pooled = pooled + lists.sum_rows(g)
        return self.head(h, pairs, pooled)  # type: ignore[no-any-return]

    def _completes_densely(self, levels: list[Tensor], adjacency: Adjacency) -> bool:
        """Return whether the belief in each missing link is one number, and the graph small enough for a matrix."""
        return (
            self.depth == 1
            and len(levels) > 2
            and not (self.training and self.noisy)
            and fits_belief_matrix(adjacency)
            and (self.max_neighbors is None or int(adjacency.degree.max()) <= self.max_neighbors)
        )

    def _belief(self, levels: list[Tensor], adjacency: Adjacency, pairs: Tensor) -> Tensor:
        inner = levels[self.levels_a_call :][:2]
        return belief_matrix(self.head, inner, adjacency, pairs, self._weight, skip_other=self.skip_other)

    def _weight(self, logits: Tensor) -> Tensor:
        return completion_weight(logits, scale=self.scale, offset=self.offset, alpha=self.alpha)

    def completion(
        self, levels: list[Tensor], adjacency: Adjacency, pairs: Int64[Tensor, "2 pairs"]
    ) -> list[NodeLists]:
        """Return the one-sided neighbours of i and of j, weighted as they are pooled; [] without completion."""
        if len(levels) == 2:
            return []
        common = common_neighbors(adjacency, pairs)
        return self._completed(levels[self.levels_a_call :], adjacency, pairs, common)

    def _completed(
        self, levels: list[Tensor], adjacency: Adjacency, pairs: Tensor, common: NodeLists
    ) -> list[NodeLists]:
        """Return the one-sided neighbours of i and of j, weighted by the belief in their missing link."""
        sides = []
        for node, other in ((pairs[0], pairs[1]), (pairs[1], pairs[0])):
            lists = exclusive_neighbors(
                adjacency,
                node,
                other,
                common,
                skip_other=self.skip_other,
                limit=self.max_neighbors,
                random=self.training,
            )
            sides.append((lists, torch.stack([other[lists.owner], lists.node])))
        with self._inner_mode():
            logits = self._inner_logits(levels, adjacency, torch.cat([inner for _, inner in sides], 1))
            belief = self._weight(logits)
        weights = belief.split([lists.node.numel() for lists, _ in sides])
        return [
            NodeLists(lists.row_pointer, lists.node, weight if lists.weight is None else weight * lists.weight)
            for (lists, _), weight in zip(sides, weights, strict=True)
        ]

    @contextmanager
    def _inner_mode(self) -> Iterator[None]:
        """No gradients; and no dropout either, unless the published noise in the probabilities is asked for."""
        was_training = self.training
        self.train(was_training and self.noisy)
        try:
            with torch.no_grad():
                yield
        finally:
            self.train(was_training)

    def _inner_logits(self, levels: list[Tensor], adjacency: Adjacency, inner: Tensor) -> Tensor:
        """Score each distinct unordered inner pair once, in chunks bounded by the neighbours they expand."""
        n = adjacency.num_nodes
        keys, inverse = torch.unique(
            torch.minimum(inner[0], inner[1]) * n + torch.maximum(inner[0], inner[1]), return_inverse=True
        )
        low = keys.div(n, rounding_mode="floor")
        distinct = torch.stack([low, keys - low * n])
        cost = 1 + adjacency.degree[distinct].min(dim=0).values
        logits = [self(levels, adjacency, distinct[:, part]) for part in cost_chunks(cost, self.chunk)]
        return torch.cat([levels[0].new_zeros(0), *logits])[inverse]


def prepared(predictor: Scorer, levels: list[Tensor], adjacency: Adjacency, pairs: Int64[Tensor, "2 pairs"]) -> Scorer:
    """Return what scores these pairs in any number of calls, with what the calls have in common done once."""
    return predictor.prepared(levels, adjacency, pairs) if isinstance(predictor, NCNC) else predictor
