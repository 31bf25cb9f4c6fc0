"""The rows of a node matrix at the nodes that a batch reads: on a sparse graph a fraction of all."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Int64
from torch import Tensor


def distinct_nodes(nodes: Int64[Tensor, " entries"], num_nodes: int) -> Int64[Tensor, " nodes"]:
    """Return the distinct nodes, ascending; O(entries + num_nodes), no sort."""
    is_named = torch.zeros(num_nodes, dtype=torch.bool, device=nodes.device)
    is_named[nodes] = True
    return is_named.nonzero().flatten()


class NodeRows:
    """transform(source) row by row, each row worked out when it is first asked for; without gradients.

    Memory: a row a node at most; what was not asked for is addressed, not paged in.
    """

    def __init__(self, source: NodeRows | Tensor, transform: Callable[[Tensor], Tensor] | None = None) -> None:
        self._source, self._transform = source, transform
        self._table: Tensor | None = None
        self._is_known: Tensor | None = None  # [nodes]

    def at(self, nodes: Int64[Tensor, " entries"]) -> Tensor:
        """Return a matrix [nodes of the graph, channels] that is right at these nodes, and perhaps at no others."""
        if self._transform is None:
            return self._source.detach() if isinstance(self._source, Tensor) else self._source.at(nodes)
        count = self.num_nodes
        if self._is_known is None:
            self._is_known = torch.zeros(count, dtype=torch.bool, device=nodes.device)
        wanted = torch.zeros_like(self._is_known)
        wanted[nodes] = True
        new = (wanted & ~self._is_known).nonzero().flatten()
        if new.numel() or self._table is None:
            source = self._source.at(new) if isinstance(self._source, NodeRows) else self._source
            with torch.no_grad():
                self.put(new, self._transform(source.index_select(0, new)))
        return self._table  # type: ignore[return-value]  # put made it

    def put(self, nodes: Int64[Tensor, " nodes"], rows: Tensor) -> None:
        """Take the rows of these nodes as given."""
        count = self.num_nodes
        if self._is_known is None:
            self._is_known = torch.zeros(count, dtype=torch.bool, device=nodes.device)
        if self._table is None:
            self._table = rows.new_empty(count, rows.shape[1], requires_grad=False)
        self._table[nodes] = rows.detach()
        self._is_known[nodes] = True

    def all(self) -> Tensor:
        """Return the whole matrix."""
        return self.at(torch.arange(self.num_nodes, device=self.device))

    @property
    def num_nodes(self) -> int:
        """The number of nodes of the graph."""
        return self._source.num_nodes if isinstance(self._source, NodeRows) else self._source.shape[0]

    @property
    def device(self) -> torch.device:
        """Where the rows are."""
        return self._source.device
