"""What a graph says of a pair, in words: how many common neighbours, how recent they are, how busy an end is."""

from __future__ import annotations

import torch
from jaxtyping import Int64
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.edge_times import EdgeTimes
from ncnc_core.inputs.edge_times import is_unix_seconds

DAY = 86_400
RECENT_DAYS = 7
UNITS = ((DAY, "day"), (3600, "hour"), (60, "minute"))


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: no neighbour, 1 neighbour, 2 neighbours."""
    return f"{f'{count:,}' if count else 'no'} {noun}{'' if count < 2 else 's'}"


def pair_reasons(adjacency: Adjacency, pairs: Int64[Tensor, "2 pairs"], window: float | None) -> tuple[str, ...]:
    """Return for each pair its common neighbours and its second node's neighbours, with how recent both are.

    A common neighbour is recent where both its edges had an event within RECENT_DAYS of the newest one of the graph,
    and days are counted back from that. Times that are no unix seconds are told in windows of `window` new edges, as
    `explain` does; a graph without times, or without either measure, has counts alone. O(d_i + d_j) a pair.
    """
    common = adjacency.common_neighbors(pairs)
    counts, recent = common.row_pointer.diff().tolist(), _recent(adjacency, pairs, common.owner, common.node, window)
    ends = [_of_end(adjacency, int(end), window) for end in pairs[1].tolist()]
    found = []
    for place, (count, end) in enumerate(zip(counts, ends, strict=True)):
        said = counted(count, "common neighbour")
        if recent is not None and count:
            said += f", {int(recent[0][place])} {recent[1]}"
        found.append(f"{said}; {end}")
    return tuple(found)


def _recent(
    adjacency: Adjacency, pairs: Tensor, owner: Tensor, node: Tensor, window: float | None
) -> tuple[Tensor, str] | None:
    """Return how many common neighbours of each pair [pairs] are recent, and in which words; None without a measure."""
    times = adjacency.times
    if times is None or not times.last.numel():
        return None
    if _in_seconds(times):
        is_recent, words = times.last > times.last.max() - RECENT_DAYS * DAY, f"within {RECENT_DAYS} days"
    elif window is not None:
        is_recent, words = times.age(times.last, window) < 1, "by edges of the last window"
    else:
        return None
    both = torch.ones_like(node, dtype=torch.bool)
    for end in pairs:
        both &= is_recent[adjacency.key_places(end[owner] * adjacency.num_nodes + node)]
    return torch.zeros(pairs.shape[1], dtype=torch.int64).index_add_(0, owner.cpu(), both.long().cpu()), words


def _of_end(adjacency: Adjacency, end: int, window: float | None) -> str:
    entries = slice(int(adjacency.row_pointer[end]), int(adjacency.row_pointer[end + 1]))
    if entries.start == entries.stop:
        return "no edge yet"
    said, times = counted(entries.stop - entries.start, "neighbour"), adjacency.times
    if times is None:
        return said
    if _in_seconds(times):
        return f"{said}, last active {_ago(int(times.last.max() - times.last[entries].max()))}"
    if window is None:
        return said
    return f"{said}, last active {float(times.age(times.last[entries], window).min()):.2g} windows ago"


def _in_seconds(times: EdgeTimes) -> bool:
    return is_unix_seconds(int(times.first.min())) and is_unix_seconds(int(times.last.max()))


def _ago(seconds: int) -> str:
    """Return a duration in its largest whole unit: 2 days ago."""
    for size, name in UNITS:
        if seconds >= size:
            return f"{counted(seconds // size, name)} ago"
    return "just now"
