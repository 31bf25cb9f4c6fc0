"""The entries of long rows in an order that does not depend on how the nodes are numbered."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.graph.roles import Rows

ROWS_AT_ONCE = 2**16  # nodes whose values are projected at a time, in float64


@dataclass(frozen=True, eq=False)
class RowRanks:
    """Where the entry of each rank stands in its row, and which rank the entry at each place has.

    `nodes` [rows] are ascending; `pointer` [rows + 1] says where the ranks of each begin in `place` and `rank`
    [entries]. A row that is not among them is in the order of its places.
    """

    nodes: Tensor
    pointer: Tensor
    place: Tensor
    rank: Tensor

    @classmethod
    def of(cls, rows: Rows, nodes: Int64[Tensor, " nodes"], values: Float[Tensor, "all_nodes channels"]) -> RowRanks:
        """Rank the entries of the rows of `nodes` by a projection of what their nodes are: their values.

        Nodes with equal values stay in the order of their places. Cost: O(entries of these rows * (channels + log)).
        """
        nodes = nodes.unique()
        lengths = rows.degree[nodes]
        pointer = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        owner = torch.arange(nodes.numel(), device=nodes.device).repeat_interleave(lengths)
        local = torch.arange(owner.numel(), device=nodes.device) - pointer[owner]
        key = _projected(values.detach(), rows.column[rows.row_pointer[nodes][owner] + local])
        order = key.argsort(stable=True)
        order = order[owner[order].argsort(stable=True)]
        rank = torch.empty_like(local)
        rank[order] = local
        return cls(nodes, pointer, local[order], rank)

    def ranks(self, node: Int64[Tensor, " entries"], place: Int64[Tensor, " entries"]) -> Int64[Tensor, " entries"]:
        """Return the rank of the entry at each place of a node's row."""
        return self._looked_up(self.rank, node, place)

    def places(self, node: Int64[Tensor, " entries"], rank: Int64[Tensor, " entries"]) -> Int64[Tensor, " entries"]:
        """Return the place of the entry of each rank in a node's row."""
        return self._looked_up(self.place, node, rank)

    def _looked_up(self, table: Tensor, node: Tensor, at: Tensor) -> Tensor:
        row = torch.searchsorted(self.nodes, node).clamp(max=self.nodes.numel() - 1)
        is_ranked = self.nodes[row] == node
        return torch.where(is_ranked, table[torch.where(is_ranked, self.pointer[row] + at, 0)], at)


def _projected(values: Tensor, nodes: Tensor) -> Tensor:
    """Return one number a node, float64 [nodes]: its values along a direction that no layer norm is blind to."""
    distinct, place = nodes.unique(return_inverse=True)
    direction = torch.arange(1, values.shape[1] + 1, device=values.device, dtype=torch.float64).mul(2.0**0.5).sin()
    parts = [values.index_select(0, part).double() @ direction for part in distinct.split(ROWS_AT_ONCE)]
    return torch.cat(parts)[place]
