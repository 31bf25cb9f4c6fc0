"""Paths of two and of three steps between two nodes, told apart by which way their edges go."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.node_lists import NodeLists
from ncnc_core.temporal.long_paths import cheaper_first, root_scale, walked_paths
from ncnc_core.temporal.timed_graph import RECENT, TimedGraph, required_times

# Of the two ways round, from i to j and from j to i, the larger sum and the smaller one; each plain, then recent.
TWO_STEPS = tuple(
    f"{name}{recent}"
    for name in ("larger_chains_of_two", "smaller_chains_of_two", "linked_by_both", "linking_both")
    for recent in ("", "_recent")
)
THREE_STEPS = tuple(
    f"{size}_{name}{recent}"
    for name in ("alternating", "chains_of_three")
    for size in ("larger", "smaller")
    for recent in ("", "_recent")
)
DIRECTED_PATHS = (*TWO_STEPS, *THREE_STEPS)


def directed_paths(
    graph: TimedGraph, pairs: Int64[Tensor, "2 pairs"], common: NodeLists
) -> Float[Tensor, "pairs features"]:
    """Return DIRECTED_PATHS of pairs with their common neighbours.

    An edge goes each way in which it had an event; it weighs one, or its decay over a window. Chains: from i over u to
    j, or over u and v. Linked by both: i and j to u; linking both: u to i and j. Alternating: i to u, v to u, v to j,
    so j is linked by those that link what i does. Inner nodes of three steps are divided by the sum of their edges that
    go the same way, in chains by that of all.

    Raises:
        InvalidGraph: the edges have no directions.
    """
    out, into = graph.once(_ways)
    return torch.cat([_two_steps(graph, pairs, common, out, into), _three_steps(graph, pairs)], 1)


def _ways(graph: TimedGraph) -> tuple[Float[Tensor, "entries 2"], Float[Tensor, "entries 2"]]:
    """Return what an entry weighs from its row to its column, and the other way; 0 where no event went so."""
    times = required_times(graph.adjacency)
    if times.sent is None or times.received is None:
        raise InvalidGraph(
            "The model reads which way edges go, and this graph's edges have no directions. Give directed=True with "
            "edges from source to target, or train a model with edge_directions: false."
        )
    recent = graph.decay[:, RECENT].cpu().double()
    weight = torch.stack([torch.ones_like(recent), recent], 1)
    return (times.sent.cpu() > 0).unsqueeze(1) * weight, (times.received.cpu() > 0).unsqueeze(1) * weight


def _two_steps(
    graph: TimedGraph, pairs: Tensor, common: NodeLists, out: Tensor, into: Tensor
) -> Float[Tensor, "pairs features"]:
    adjacency = graph.adjacency.to("cpu")
    of = torch.repeat_interleave(common.row_pointer.diff())
    first, second = (adjacency.key_places(end[of] * adjacency.num_nodes + common.node) for end in pairs)
    kinds = [
        out[first] * into[second],  # i to u to j
        into[first] * out[second],
        out[first] * out[second],
        into[first] * into[second],
    ]
    sums = torch.segment_reduce(torch.cat(kinds, 1), "sum", offsets=common.row_pointer, initial=0)
    there, back = sums[:, :2], sums[:, 2:4]
    return torch.cat([torch.maximum(there, back), torch.minimum(there, back), sums[:, 4:]], 1)


def _three_steps(graph: TimedGraph, pairs: Tensor) -> Float[Tensor, "pairs features"]:
    found = walked_paths(graph, cheaper_first(graph, pairs), *graph.once(_step_weights))
    alternating, chains = found[:, :4].view(-1, 2, 2), found[:, 4:].view(-1, 2, 2)  # [pairs, way, plain or recent]
    return torch.cat([extreme for one in (alternating, chains) for extreme in (one.amax(1), one.amin(1))], 1)


def _step_weights(graph: TimedGraph) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Return the weights of the three steps [entries, 8] and the scales of the two inner nodes [nodes, 8]."""
    out, into = graph.once(_ways)
    gives, takes, both = (root_scale(graph, one) for one in (out, into, out + into))
    # Each step seen from the row that is named first: near - u, u - v, far - v.
    kinds = [
        ((out, into, into), (takes, gives)),  # near to u, v to u, v to far
        ((into, out, out), (gives, takes)),  # the same from far to near
        ((out, out, into), (both, both)),  # near to u to v to far
        ((into, into, out), (both, both)),  # the same from far to near
    ]
    weights = tuple(torch.cat([steps[place] for steps, _ in kinds], 1) for place in range(3))
    scales = tuple(torch.cat([inner[place] for _, inner in kinds], 1) for place in range(2))
    return weights, scales
