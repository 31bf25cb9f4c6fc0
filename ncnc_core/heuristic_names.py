"""The heuristics of the floor by name, apart from what computes them: reading parameters must not load torch."""

from __future__ import annotations

from typing import Literal, get_args

HeuristicName = Literal["common_neighbors", "adamic_adar", "resource_allocation", "preferential_attachment"]
HEURISTIC_NAMES: tuple[HeuristicName, ...] = get_args(HeuristicName)
