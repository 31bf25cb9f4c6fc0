"""Scores that need no training and read when edges came: what is active tends to stay active.

The rules read an edge's last event and the clock of `EdgeTimes`: an age is a number of windows, and a window is as many
new edges as the validation window had. EdgeBank (Poursafaei et al., Towards better evaluation for dynamic link
prediction, arXiv:2207.10128), which remembers pairs that were linked, is not among them: the edges of an evaluation are
linked for the first time, so that it gives all of them nothing, and no negative less.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.config.choices import RecencyName
from ncnc_core.evaluation.heuristics import ENTRIES_AT_ONCE
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.cost_chunks import cost_chunks
from ncnc_core.kernels.timed_overlap import list_timed_common
from ncnc_core.temporal.timed_graph import required_times

RecencyHeuristic = Callable[[Adjacency, float, Tensor], Tensor]


def recent_preferential_attachment(
    adjacency: Adjacency, window: float, pairs: Int64[Tensor, "2 pairs"]
) -> Float[Tensor, " pairs"]:
    """Multiply the two ends' sums of exp(-age) over their edges, ages in windows.

    Preferential attachment (Barabási, Albert, Emergence of scaling in random networks, 1999) with old edges forgotten.

    Raises:
        InvalidGraph: the edges have no times. So do all of these.
    """
    return _row_sums(adjacency, _decay(adjacency, window).double())[pairs].prod(0)


def recent_common_neighbors(
    adjacency: Adjacency, window: float, pairs: Int64[Tensor, "2 pairs"]
) -> Float[Tensor, " pairs"]:
    """Sum exp(-age_iu) * exp(-age_uj) over the common neighbours u of each pair (i, j), ages in windows.

    The common neighbours of Newman, Clustering and preferential attachment in growing networks, 2001, with old edges
    forgotten. Cost: as of common neighbours.
    """
    decay = _decay(adjacency, window).unsqueeze(1)
    strength, weight = torch.ones(adjacency.num_nodes, 1), torch.ones(adjacency.num_nodes, 1, dtype=torch.float64)
    graph = [one.contiguous().numpy() for one in (adjacency.row_pointer, adjacency.column, decay, strength, weight)]
    shorter, scores = adjacency.degree[pairs].amin(0), [weight.new_zeros(0)]
    for part in cost_chunks(1 + shorter, ENTRIES_AT_ONCE):
        ends = [one.contiguous().numpy() for one in pairs[:, part]]
        room = int(shorter[part].sum())
        lists = np.empty(ends[0].size + 1, np.int64), np.empty(room, np.int64), np.empty((room, 1), np.float32)
        sums = np.empty((ends[0].size, 4))  # the count, the sum asked for, that over the strength, the largest
        list_timed_common(*graph, *ends, *lists, sums)
        scores.append(torch.from_numpy(sums[:, 1]))
    return torch.cat(scores)


def recent_popularity(adjacency: Adjacency, window: float, pairs: Int64[Tensor, "2 pairs"]) -> Float[Tensor, " pairs"]:
    """Count the edges of both ends whose last event lies in the last window.

    Popularity in a window; source: Daniluk, Dąbrowski, Temporal graph models fail to capture global temporal dynamics,
    arXiv:2309.15730.
    """
    times = required_times(adjacency)
    return _row_sums(adjacency, (times.age(times.last, window) < 1).double())[pairs].sum(0)


def last_activity(adjacency: Adjacency, window: float, pairs: Int64[Tensor, "2 pairs"]) -> Float[Tensor, " pairs"]:
    """Return minus the sum of both ends' ages, in windows since the last event; a node without an edge is oldest.

    The sum, and not the larger age: among negatives that share the positive's older end the larger one ties them all.
    """
    times = required_times(adjacency)
    age = torch.full((adjacency.num_nodes,), times.arrivals.numel() / window)
    age = age.scatter_reduce(0, adjacency.row, times.age(times.last, window), "amin")
    return -age.double()[pairs].sum(0)


RECENCY_HEURISTICS: dict[RecencyName, RecencyHeuristic] = {
    "recent_preferential_attachment": recent_preferential_attachment,
    "recent_common_neighbors": recent_common_neighbors,
    "recent_popularity": recent_popularity,
    "last_activity": last_activity,
}


def _decay(adjacency: Adjacency, window: float) -> Float[Tensor, " entries"]:
    times = required_times(adjacency)
    return torch.exp(-times.age(times.last, window))


def _row_sums(adjacency: Adjacency, values: Float[Tensor, " entries"]) -> Float[Tensor, " nodes"]:
    found: Tensor = torch.segment_reduce(values, "sum", offsets=adjacency.row_pointer, initial=0)
    return found
