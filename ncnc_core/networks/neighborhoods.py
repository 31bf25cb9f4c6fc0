"""Which neighbourhoods a predictor pools beside the common neighbours: what sets NCN, NCN2 and NCN-diff apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from ncnc_core.graph.node_lists import NodeLists
from ncnc_core.graph.roles import OverlapGraph
from ncnc_core.graph.two_hop import two_hop_neighbors

# common: both have it. source_only, target_only: only one has it, and the link to the other is completed (or, for
# NCN-diff, pooled apart). near_source, near_target: a neighbour of one that is two steps from the other.
Role = Literal["common", "source_only", "target_only", "near_source", "near_target"]
RoleLists = list[tuple[Role, NodeLists]]  # one list of nodes a pair for each role
Neighborhoods = Callable[[OverlapGraph, Tensor, NodeLists], RoleLists]  # graph, pairs and their common neighbours


def two_step(graph: OverlapGraph, pairs: Tensor, common: NodeLists) -> RoleLists:
    """Return the neighbours of i that are two steps from j, and those of j that are two steps from i: NCN2."""
    near_source, near_target = two_hop_neighbors(graph, pairs)  # type: ignore[arg-type]  # no sampled mode: rows
    return [("near_source", near_source), ("near_target", near_target)]


@dataclass(frozen=True)
class OneSided:
    """The neighbours that only one of the two nodes has: NCN-diff."""

    skip_other: bool  # leave the other node of the pair out, where the two are joined

    def __call__(self, graph: OverlapGraph, pairs: Tensor, common: NodeLists) -> RoleLists:
        """Return N(i) minus N(j), and N(j) minus N(i)."""
        source, target = pairs
        return [
            ("source_only", graph.exclusive_neighbors(source, target, common, skip_other=self.skip_other)),
            ("target_only", graph.exclusive_neighbors(target, source, common, skip_other=self.skip_other)),
        ]
