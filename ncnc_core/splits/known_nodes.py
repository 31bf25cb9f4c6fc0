"""When each node came: by its first edge, which every snapshot dates."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from ncnc_core.graph.edge_history import NEVER, EdgeHistory


def first_edges(history: EdgeHistory, until: int) -> Int64[Tensor, " nodes"]:
    """Return when each node's first edge was first seen, of those seen up to a time; NEVER where there is none.

    Unix seconds. An edge that was removed since counts. O(edges).
    """
    known = history.first_seen <= until
    keys, seen = history.keys[known], history.first_seen[known]
    low = keys.div(max(history.num_nodes, 1), rounding_mode="floor")
    first = torch.full((history.num_nodes,), NEVER, dtype=torch.int64)
    for end in (low, keys - low * history.num_nodes):
        first.scatter_reduce_(0, end, seen, "amin")
    return first


def nodes_known_by(history: EdgeHistory, time: int) -> Bool[Tensor, " nodes"]:
    """Return which nodes had an edge, living or removed since, that was first seen up to a time."""
    return first_edges(history, time) <= time
