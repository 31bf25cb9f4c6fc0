"""The plain twin of kernels/shortlist.py: dictionaries and sorted lists, for tests."""

from __future__ import annotations

import math
from collections.abc import Sequence


def step_reference(
    neighbors: Sequence[Sequence[int]], source: int, held: dict[int, float], least: float
) -> dict[int, float]:
    """Return where one more random step ends, the source left out; nothing goes where less than `least` would."""
    reached: dict[int, float] = {}
    for node, value in held.items():
        share = value / len(neighbors[node])
        if share >= least:
            for other in neighbors[node]:
                if other != source:
                    reached[other] = reached.get(other, 0.0) + share
    return reached


def shortlist_reference(
    neighbors: Sequence[Sequence[int]], source: int, *, near: int, room: int, exclude_known: bool, least: float
) -> list[int]:
    """Return the candidates of a node, ascending."""
    size = len(neighbors)
    busy = sorted(range(size), key=lambda node: (-len(neighbors[node]), node))
    busy_rank = {node: rank for rank, node in enumerate(busy)}
    around = neighbors[source]
    second = step_reference(neighbors, source, {node: 1.0 / len(around) for node in around}, least)
    third = step_reference(neighbors, source, second, least)
    third = {node: value * math.sqrt(len(neighbors[node])) for node, value in third.items()}
    known = [] if exclude_known else list(around)
    forbidden = {source, *around}

    def best(value: dict[int, float]) -> list[int]:
        return sorted(value, key=lambda node: (-value[node], busy_rank[node]))

    def open_to(nodes: Sequence[int], taken: Sequence[int]) -> list[int]:
        return [node for node in nodes if node not in forbidden and node not in taken]

    found = open_to(best(second), [])[:near]
    found += open_to(best(third), found)[: 2 * near - len(found)]
    found += open_to(busy, found)[: room - len(known) - len(found)]
    return sorted(known + found)
