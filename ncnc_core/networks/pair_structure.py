"""The part of a logit that comes from counts alone: overlap weighted by degree, and the degrees of both nodes."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from ncnc_core.graph.roles import OverlapGraph
from ncnc_core.overlap.dense import is_dense, pool_common

FIXED = 3  # weights of a common neighbour: 1, 1 / log d and 1 / d
LEARNED = 8  # further weights, each a learned function of d
COUNTS = FIXED + LEARNED + 5
HIDDEN = 32


class PairStructure(nn.Module):
    """A part of the logit without node embeddings: an MLP of degree-weighted overlaps and of degrees.

    Sum over u in N(i) ∩ N(j) of w_k(d_u), for w = 1 (common neighbours), 1 / log d (Adamic-Adar), 1 / d (resource
    allocation) and eight learned functions of d; beside them both degrees, symmetrically, and the Jaccard and Salton
    indices. The last layer starts at zero, so that an untrained network scores by its content alone.
    Source of the learned weighting: Yun et al., Neo-GNNs, arXiv:2206.04216; of counts beside an encoder: Wang et al.,
    MPLP, arXiv:2309.00976, and LPFormer, arXiv:2310.11009.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weighting = nn.Sequential(nn.Linear(1, 16), nn.ReLU(), nn.Linear(16, LEARNED), nn.Softplus())
        self.readout = nn.Sequential(nn.Linear(COUNTS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1))
        nn.init.zeros_(self.readout[-1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.readout[-1].bias)  # type: ignore[arg-type]

    def forward(self, graph: OverlapGraph, pairs: Int64[Tensor, "2 pairs"]) -> Float[Tensor, " pairs"]:
        """Return what is added to the logits."""
        logits: Tensor = self.readout(self.counts(graph, pairs))
        return logits.squeeze(-1)

    def counts(self, graph: OverlapGraph, pairs: Int64[Tensor, "2 pairs"]) -> Float[Tensor, "pairs counts"]:
        """Return the features, symmetric in the two ends; an edge between them counts in neither degree."""
        degree = graph.degree.to(torch.float32)
        # A pair of a node with itself shares neighbours of degree one; a served graph may know a node by no edge.
        log_degree = degree.clamp(min=2).log()
        weights = [torch.stack([torch.ones_like(degree), 1 / log_degree, 1 / degree.clamp(min=1)], 1)]
        weights.append(self.weighting(torch.log1p(degree).unsqueeze(-1)).to(torch.float32))
        overlap = _pooled(graph, pairs, torch.cat(weights, 1))
        ends = degree[pairs] - _joined(graph, pairs)  # [2, pairs]
        shared = overlap[:, 0]
        union, product = (ends.sum(0) - shared).clamp(min=1), (ends[0] * ends[1]).clamp(min=1)
        low, high = torch.log1p(ends).aminmax(dim=0)
        several = torch.stack([low + high, high - low, low, shared / union, shared / product.sqrt()], 1)
        return torch.cat([torch.log1p(overlap), several], 1)


def _pooled(graph: OverlapGraph, pairs: Tensor, values: Tensor) -> Tensor:
    return pool_common(graph, pairs, values) if is_dense(graph) else graph.common_neighbors(pairs).sum_rows(values)


def _joined(graph: OverlapGraph, pairs: Tensor) -> Tensor:
    """Return 1 where the pair is an edge."""
    return graph.has(pairs).to(torch.float32)
