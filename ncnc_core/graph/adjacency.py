"""A symmetric graph as sorted compressed rows, the form every overlap and propagation is computed on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float, Int, Int64
from torch import Tensor

from ncnc_core.graph import neighbor_search
from ncnc_core.graph.changed_rows import rows_without
from ncnc_core.graph.edge_dropout import entry_draws
from ncnc_core.graph.edge_times import EdgeTimes
from ncnc_core.graph.edge_weights import one_weight_a_key
from ncnc_core.graph.node_lists import NodeLists
from ncnc_core.graph.pair_keys import contains_keys, directed_keys, distinct_keys, pair_keys
from ncnc_core.graph.positions import require_positions, require_room_for_keys
from ncnc_core.graph.ragged_sum import ragged_sum
from ncnc_core.kernels import entries as kernels

__all__ = ["Adjacency", "contains_keys", "pair_keys"]


@dataclass(frozen=True, eq=False)
class Adjacency:
    """The support of a symmetric adjacency matrix without self-loops, rows sorted, and what each entry weighs.

    `row_pointer` [num_nodes + 1] and `column` [2 * edges] are int64; the neighbours of u are
    `column[row_pointer[u]:row_pointer[u + 1]]`, ascending. `weight` is float32 [2 * edges], or None where all edges
    weigh one; it never changes the support. `times` says when the edges came, where that is known. Memory: 16 bytes per
    undirected edge plus 8 per node, 8 more with weights, 56 more with times.
    """

    row_pointer: Tensor
    column: Tensor
    num_nodes: int
    symmetric: bool = True  # False after dropping directed entries one by one
    weight: Tensor | None = None
    times: EdgeTimes | None = None
    structure: ClassVar[None] = None  # its rows give the structural features

    @classmethod
    def from_edges(
        cls,
        edges: Int[Tensor, "2 edges"],
        num_nodes: int,
        weight: Float[Tensor, " edges"] | None = None,
        times: EdgeTimes | None = None,
    ) -> Adjacency:
        """Build from undirected edges in any order and direction; duplicates and self-loops are dropped.

        `times` has one first, last and events an edge here; of an edge given twice the earliest first, the latest last
        and the sum of the events count.

        Raises:
            InvalidGraph: an endpoint is negative or not below `num_nodes`, or an edge comes twice with two weights, or
                a weight is no finite number.
        """
        require_room_for_keys(num_nodes)
        require_positions(edges, num_nodes, "edges", remedy="Raise num_nodes, or renumber the nodes.")
        is_edge = edges[0] != edges[1]
        given = directed_keys(edges if is_edge.all() else edges[:, is_edge], num_nodes)
        # One sort of the keys orders rows and columns, and drops doubles.
        if weight is None:
            keys = distinct_keys(given if times is None else given.clone())
        else:
            keys, weight = one_weight_a_key(given, weight[is_edge].float().repeat(2), num_nodes)
        times = None if times is None else times.kept(is_edge).of_entries(keys, given)
        return cls.from_sorted_keys(keys, num_nodes, weight, times)

    @classmethod
    def from_sorted_keys(
        cls,
        keys: Int64[Tensor, " entries"],
        num_nodes: int,
        weight: Float[Tensor, " entries"] | None = None,
        times: EdgeTimes | None = None,
    ) -> Adjacency:
        """Build from sorted directed keys row * num_nodes + column that are already symmetric."""
        row = keys.div(max(num_nodes, 1), rounding_mode="floor")
        row_pointer = torch.zeros(num_nodes + 1, dtype=torch.int64, device=keys.device)
        torch.cumsum(torch.bincount(row, minlength=num_nodes), 0, out=row_pointer[1:])
        column = row.mul_(-num_nodes).add_(keys)  # in place: this is most of what an adjacency needs while it is made
        adjacency = cls(row_pointer, column, num_nodes, weight=weight, times=times)
        adjacency.__dict__["keys"] = keys  # seeds the cached property: the keys are at hand
        return adjacency

    @cached_property
    def row(self) -> Tensor:
        """The row of each entry, [entries]."""
        nodes = torch.arange(self.num_nodes, device=self.column.device)
        return torch.repeat_interleave(nodes, self.degree, output_size=self.column.numel())

    @cached_property
    def keys(self) -> Tensor:
        """The sorted directed keys row * num_nodes + column, [entries]."""
        return self.row * self.num_nodes + self.column

    @cached_property
    def degree(self) -> Tensor:
        """The number of neighbours of each node, int64 [nodes]."""
        return self.row_pointer[1:] - self.row_pointer[:-1]

    def layer(self, number: int) -> Adjacency:
        """Return the graph that an encoder's layer propagates on: this one for all; a sampled batch has one a layer."""
        return self

    @property
    def num_rows(self) -> int:
        """Every node has a row."""
        return self.num_nodes

    @property
    def num_entries(self) -> int:
        """The number of directed entries, two an edge."""
        return self.column.numel()

    @property
    def num_edges(self) -> int:
        """The number of undirected edges."""
        return self.column.numel() // 2

    def edges(self) -> Int64[Tensor, "2 edges"]:
        """Return each undirected edge once, source < target, sorted."""
        upper = self.row < self.column
        return torch.stack([self.row[upper], self.column[upper]])

    def has(self, pairs: Int64[Tensor, "2 pairs"]) -> Bool[Tensor, " pairs"]:
        """Return which pairs are edges.

        Raises:
            InvalidGraph: a position is negative or not below `num_nodes`.
        """
        require_positions(pairs, self.num_nodes)
        return self.has_keys(pairs[0] * self.num_nodes + pairs[1])

    def has_keys(self, keys: Int64[Tensor, " wanted"]) -> Bool[Tensor, " wanted"]:
        """Return which directed keys row * num_nodes + column of its nodes are entries; O(wanted * log degree)."""
        if self.column.device.type == "cpu":
            return self._searched(kernels.find_entries, keys) >= 0
        return contains_keys(self.keys, keys)

    def key_places(self, keys: Int64[Tensor, " wanted"]) -> Int64[Tensor, " wanted"]:
        """Return the first entry whose directed key is at least the wanted one, or the number of entries."""
        if self.column.device.type == "cpu":  # in its row: all keys would take longer to make than to search
            return self._searched(kernels.entry_places, keys)
        return torch.searchsorted(self.keys, keys)

    def common_neighbors(self, pairs: Int64[Tensor, "2 pairs"]) -> NodeLists:
        """Return N(i) ∩ N(j) for each pair (i, j), ascending.

        Time O(d_i + d_j) a pair, O(shorter * log(longer)) where one row is far longer; memory O(sum min(d_i, d_j)).
        """
        return neighbor_search.common_neighbors(self, pairs)

    def exclusive_neighbors(
        self,
        node: Int64[Tensor, " pairs"],
        other: Int64[Tensor, " pairs"],
        common: NodeLists,
        *,
        skip_other: bool,
        limit: int | None = None,
        random: bool = False,
        order_by: Float[Tensor, "nodes channels"] | None = None,
    ) -> NodeLists:
        """Return N(node) minus N(other) for each row, ascending; see `neighbor_search.exclusive_neighbors`."""
        return neighbor_search.exclusive_neighbors(
            self, node, other, common, skip_other=skip_other, limit=limit, random=random, order_by=order_by
        )

    def neighbor_sum(self, x: Float[Tensor, "nodes channels"], *, weighted: bool) -> Float[Tensor, "nodes channels"]:
        """Return A x, A the support or, with `weighted` and weights, the weighted matrix."""
        weight = self.weight if weighted else None
        return ragged_sum(x, self.row_pointer, self.column, weight, symmetric=self.symmetric)

    def neighbor_max(self, values: Float[Tensor, " nodes"]) -> Float[Tensor, " nodes"]:
        """Return the largest value among each node's neighbours, and 0 where there are none or none above it."""
        return torch.zeros_like(values).scatter_reduce(0, self.row, values[self.column], "amax")

    def row_sums(self, dtype: torch.dtype, *, weighted: bool) -> Float[Tensor, " nodes"]:
        """Return the degree of each node, or with `weighted` and weights the sum of its edges' weights."""
        if self.weight is None or not weighted:
            return self.degree.to(dtype)
        return torch.segment_reduce(self.weight.to(dtype), "sum", offsets=self.row_pointer, initial=0)

    def without(self, pairs: Int64[Tensor, "2 pairs"]) -> Adjacency:
        """Return the graph without these edges (target link removal); one copy of the entries, no sort.

        Pairs that are no edges are ignored, duplicates and direction do not matter.

        Raises:
            InvalidGraph: a position is negative or not below `num_nodes`.
        """
        require_positions(pairs, self.num_nodes)
        if self.column.numel() == 0 or pairs.numel() == 0:
            return self
        both = torch.cat([pairs, pairs.flip(0)], 1)
        wanted, end = both[0] * self.num_nodes + both[1], self.column.numel()
        if self.column.device.type == "cpu" and self.times is None:
            places = self._searched(kernels.find_entries, wanted).unique()  # ascending
            rows = rows_without(self.row_pointer, self.column, self.weight, places[places >= 0])
            return Adjacency(rows[0], rows[1], self.num_nodes, self.symmetric, rows[2])
        position = torch.searchsorted(self.keys, wanted).clamp_(max=end - 1)
        keep = torch.ones(end + 1, dtype=torch.bool, device=self.column.device)  # the last is no entry's
        keep[torch.where(self.keys[position] == wanted, position, end)] = False
        return self.masked(keep[:end], symmetric=self.symmetric)

    def dropped(self, probability: float, *, symmetric: bool) -> Adjacency:
        """Return the graph with each entry dropped at this chance, or with `symmetric` each edge in both directions."""
        draw = entry_draws(self.column, self.num_nodes, self.row if symmetric else None)
        return self.masked(draw >= probability, symmetric=symmetric and self.symmetric)

    def masked(self, keep: Bool[Tensor, " entries"], *, symmetric: bool = False) -> Adjacency:
        """Return the graph with only the kept directed entries; say so where the mask keeps the graph symmetric."""
        if self.column.device.type == "cpu" and self._is_bare:
            pointer, column = torch.empty_like(self.row_pointer), self.column.new_empty(self.column.numel() + 1)
            arrays = (one.numpy() for one in (self.row_pointer, self.column, keep, pointer, column))
            count = kernels.keep_entries(*arrays)
            return Adjacency(pointer, column[:count].clone(), self.num_nodes, symmetric)
        kept_before = torch.zeros(self.column.numel() + 1, dtype=torch.int64, device=self.column.device)
        torch.cumsum(keep, 0, out=kept_before[1:])
        kept = keep.nonzero().flatten()  # once: each selection by a mask would wait for an accelerator
        weight = None if self.weight is None else self.weight[kept]
        times = None if self.times is None else self.times.kept(kept)
        return Adjacency(kept_before[self.row_pointer], self.column[kept], self.num_nodes, symmetric, weight, times)

    @property
    def _is_bare(self) -> bool:
        """Whether entries carry nothing that would have to be kept with them."""
        return self.weight is None and self.times is None

    def _searched(self, find: Callable[..., Any], keys: Tensor) -> Tensor:  # Any: arrays, as numba has them
        """Return what a kernel says of the entries with these directed keys, each searched in its row."""
        row = keys.div(max(self.num_nodes, 1), rounding_mode="floor")
        rows = self.row_pointer, self.column, row, keys - row * self.num_nodes
        return torch.from_numpy(find(*(one.numpy() for one in rows)))

    def to(self, device: torch.device | str) -> Adjacency:
        """Return the graph on a device; where it is there already, the graph itself, with what it has worked out."""
        if torch.device(device) == self.column.device:
            return self
        weight = None if self.weight is None else self.weight.to(device)
        times = None if self.times is None else self.times.to(device)
        rows = self.row_pointer.to(device), self.column.to(device)
        return Adjacency(*rows, self.num_nodes, self.symmetric, weight, times)
