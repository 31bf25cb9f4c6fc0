"""Node features computed from degrees, for graphs without features and for nodes that are new."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ncnc_core.graph.roles import MessageGraph

DEGREE_BUCKETS = 16  # floor(log2(degree + 1)), the last one open: degrees from 32767 up
NUM_STRUCTURAL_FEATURES = 3 + DEGREE_BUCKETS


def structural_features(graph: MessageGraph) -> Float[Tensor, "nodes structural"]:
    """Return log1p degree, log1p mean and log1p largest neighbour degree, and the one-hot bucket of log2 degree.

    Permutation-equivariant and O(edges). In training they are computed on the graph without the batch's target links,
    like everything else the encoder sees: a degree that counts the target would tell on it, be it the node's own or
    a neighbour's. A sampled batch brings its own along.
    """
    if graph.structure is not None:
        return graph.structure
    degree = graph.degree.to(torch.float32)
    neighbor_total = graph.neighbor_sum(degree.unsqueeze(-1), weighted=False).squeeze(-1)
    return features_of_degrees(degree, neighbor_total / degree.clamp(min=1), graph.neighbor_max(degree))


def features_of_degrees(
    degree: Float[Tensor, " nodes"], mean: Float[Tensor, " nodes"], largest: Float[Tensor, " nodes"]
) -> Float[Tensor, "nodes structural"]:
    """Return the structural features, given each node's degree and the mean and the largest of its neighbours'."""
    bucket = torch.log2(degree + 1).floor().to(torch.int64).clamp(max=DEGREE_BUCKETS - 1)
    one_hot = torch.nn.functional.one_hot(bucket, DEGREE_BUCKETS).to(torch.float32)
    return torch.cat([torch.log1p(torch.stack([degree, mean, largest], 1)), one_hot], dim=1)
