"""The nodes a predictor pools for one pair, each with its role and the weight it is pooled with."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.node_lists import NodeLists
from ncnc_core.networks.link_network import Predictor
from ncnc_core.networks.neighborhoods import Role


@dataclass(frozen=True, eq=False)
class Neighborhood:
    """The nodes of one role: `node` [entries], `weight` [entries] and `values` [entries, width], both float64."""

    role: Role
    node: Tensor
    weight: Tensor
    values: Tensor

    def total(self) -> Tensor:
        """Return what is pooled, [width]."""
        return self.weight @ self.values


def pooled_sums(
    predictor: Predictor, levels: list[Tensor], adjacency: Adjacency, pair: Tensor
) -> list[list[Neighborhood]]:
    """Return what is summed for one pair, [2, 1]: for each pooled sum that the head takes, its neighbourhoods."""
    values = predictor.pooled_values(levels)
    return [
        [_neighborhood(role, lists, values) for role, lists in slot]
        for slot in predictor.pooled_lists(levels, adjacency, pair)
    ]


def _neighborhood(role: Role, lists: NodeLists, values: Tensor) -> Neighborhood:
    rows = values[lists.node].double()
    weight = rows.new_ones(lists.node.numel()) if lists.weight is None else lists.weight.double()
    return Neighborhood(role, lists.node, weight, rows)
