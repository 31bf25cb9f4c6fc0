"""What times and overlaps say of a pair of nodes: numbers that a network, or boosted trees, can read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.node_lists import NodeLists
from ncnc_core.kernels import timed_overlap as kernels
from ncnc_core.temporal.directed_paths import DIRECTED_PATHS, directed_paths
from ncnc_core.temporal.long_paths import LONG_PATHS, long_paths
from ncnc_core.temporal.spectral import RANK
from ncnc_core.temporal.timed_graph import NODE_FEATURES, SCALES, TimedGraph

FLOOR = 1e-3  # added before a logarithm is taken: what is below it counts as nothing
OVERLAP = ("common_neighbors", "adamic_adar", "resource_allocation", "jaccard", "salton")
RECENT_OVERLAP = tuple(
    f"{kind}_{scale:g}" for kind in ("recent_common", "recent_allocation", "most_recent_common") for scale in SCALES
)
SPECTRAL = ("spectral_dot", "spectral_cosine", "recent_spectral_dot", "recent_spectral_cosine")
ENDS = (*(f"smaller_{name}" for name in NODE_FEATURES), *(f"larger_{name}" for name in NODE_FEATURES))


def feature_groups(*, spectral: bool = False, directed: bool = False) -> dict[str, tuple[str, ...]]:
    """Return the names of pair features, by the groups that an explanation and a report name, in order of columns."""
    walked = {"overlap": OVERLAP, "recent overlap": RECENT_OVERLAP, "paths of three steps": LONG_PATHS}
    place = {"place in the graph": SPECTRAL} if spectral else {}
    ways = {"directed paths": DIRECTED_PATHS} if directed else {}
    return {**walked, **place, "activity of the ends": ENDS, **ways}


def feature_names(*, spectral: bool = False, directed: bool = False) -> tuple[str, ...]:
    """Return the names of all columns of `pair_features`."""
    groups = feature_groups(spectral=spectral, directed=directed)
    return tuple(name for names in groups.values() for name in names)


@dataclass(frozen=True, eq=False)
class TimedPairs:
    """values [pairs, `feature_names`] float32; common: the common neighbours; decay [common, scales]: of both edges."""

    values: Tensor
    common: NodeLists
    decay: Tensor


def pair_features(graph: TimedGraph, pairs: Int64[Tensor, "2 pairs"], *, directed: bool = False) -> TimedPairs:
    """Return `feature_names` of each pair, equal for (i, j) and (j, i), and the common neighbours they are made of.

    `directed`: also what directions say. Overlaps and paths are log(x + FLOOR). A pair's values do not depend on the
    other pairs. Cost: the degrees of both ends, and once for each distinct end the degrees of its neighbours.

    Raises:
        InvalidGraph: directions are asked for, and the edges have none.
    """
    device = pairs.device
    pairs = torch.stack([pairs.amin(0), pairs.amax(0)]).cpu()  # one order of summation for both directions
    adjacency = graph.adjacency.to("cpu")
    common, decay, sums = _timed_common(graph, adjacency, pairs)
    degree = adjacency.degree[pairs].double()
    shared = sums[:, :1]
    union, product = (degree.sum(0).unsqueeze(1) - shared).clamp(min=1), degree.prod(0).clamp(min=1).unsqueeze(1)
    paths = long_paths(graph, pairs)
    walked = torch.cat([sums[:, :3], shared / union, shared / product.sqrt(), sums[:, 3:], paths], 1)
    ends = graph.node.cpu()[pairs]  # [2, pairs, features]
    placed = [_products(rows, pairs) for rows in graph.spectral.cpu().split(RANK, 1) if rows.shape[1]]
    parts = [(walked + FLOOR).log().float(), *placed, ends.amin(0), ends.amax(0)]
    if directed:
        parts.append((directed_paths(graph, pairs, common) + FLOOR).log().float())
    values = torch.cat(parts, 1)
    lists = NodeLists(common.row_pointer.to(device), common.node.to(device))
    return TimedPairs(values.to(device), lists, decay.to(device))


def _timed_common(graph: TimedGraph, adjacency: Adjacency, pairs: Tensor) -> tuple[NodeLists, Tensor, Tensor]:
    """Return the common neighbours, the decay of both their edges, and the sums of `list_timed_common` [pairs, 15]."""
    degree = adjacency.degree.double()
    adamic = torch.where(degree > 1, 1 / degree.clamp(min=2).log(), 0.0)
    weights = torch.stack([torch.ones_like(degree), adamic, 1 / degree.clamp(min=1)], 1)
    room = int(torch.minimum(*adjacency.degree[pairs]).sum())  # what is not written is not paged in
    pointer, found = np.empty(pairs.shape[1] + 1, np.int64), np.empty(room, np.int64)
    product = np.empty((room, len(SCALES)), np.float32)
    sums = np.empty((pairs.shape[1], weights.shape[1] + 3 * len(SCALES)))
    arrays = (adjacency.row_pointer, adjacency.column, graph.decay.cpu(), graph.strength.cpu(), weights, *pairs)
    count = kernels.list_timed_common(*(_array(one) for one in arrays), pointer, found, product, sums)
    lists = NodeLists(torch.from_numpy(pointer), torch.from_numpy(found[:count].copy()))
    return lists, torch.from_numpy(product[:count].copy()), torch.from_numpy(sums)


def _products(rows: Tensor, pairs: Tensor) -> Float[Tensor, "pairs 2"]:
    """Return the logarithm of the product of two nodes' rows, and their cosine."""
    first, second = rows[pairs[0]], rows[pairs[1]]
    dot = (first * second).sum(1)
    length = (first.norm(dim=1) * second.norm(dim=1)).clamp(min=1e-12)
    return torch.stack([(dot.clamp(min=0) + FLOOR).log(), dot / length], 1)


def _array(tensor: Tensor) -> Any:
    return tensor.contiguous().numpy()
