"""The overlaps of one batch, thinned and looked up ahead: what a predictor asks an adjacency for, without the rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency, pair_keys

Lists = tuple[Tensor, Tensor, Tensor | None]  # row_pointer [lists + 1], node [entries], weight [entries] or None


@dataclass(frozen=True, eq=False)
class ListTable:
    """Lists of nodes by key: `keys` [lists] are sorted, and all nodes of a list have one `weight` [lists]."""

    keys: Int64[Tensor, " lists"]
    row_pointer: Int64[Tensor, " pointers"]
    node: Int64[Tensor, " entries"]
    weight: Float[Tensor, " lists"]

    def lists_of(self, keys: Int64[Tensor, " wanted"]) -> Lists:
        """Return the lists of these keys, in their order; O(wanted * log lists + entries).

        Raises:
            InvalidGraph: a key is not in the table.
        """
        place = self.places_of(keys)
        if not self.keys.numel():
            return keys.new_zeros(1), keys, None
        lengths = self.row_pointer.diff()[place]
        pointer = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        owner = torch.repeat_interleave(torch.arange(keys.numel(), device=keys.device), lengths)  # [entries]
        entry = torch.arange(owner.numel(), device=keys.device) + (self.row_pointer[place] - pointer[:-1])[owner]
        weight = self.weight[place]
        return pointer, self.node[entry], None if bool((weight == 1).all()) else weight[owner]

    def places_of(self, keys: Int64[Tensor, " wanted"]) -> Int64[Tensor, " wanted"]:
        """Return where each key stands in the table.

        Raises:
            InvalidGraph: a key is not in it.
        """
        place = torch.searchsorted(self.keys, keys).clamp_(max=max(self.keys.numel() - 1, 0))
        missing = int((self.keys[place] != keys).sum()) if self.keys.numel() else keys.numel()
        if missing:
            raise InvalidGraph(
                f"{missing} of {keys.numel()} overlaps were not sampled with this batch. Draw the batch for the pairs "
                "and for the predictor that is asked."
            )
        return place

    def to(self, device: torch.device | str) -> ListTable:
        """Return the table on a device."""
        return ListTable(
            self.keys.to(device), self.row_pointer.to(device), self.node.to(device), self.weight.to(device)
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class SampledOverlap(Adjacency):
    """A batch's nodes without rows: the overlaps of its pairs are at hand, and no others.

    `full_degree` [nodes] counts the neighbours in the whole graph. `common_table` is keyed by `pair_keys`,
    `exclusive_table` (N(i) minus N(j)) by i * num_nodes + j; each is None where the predictor does not ask for it.
    `joined` says which pairs of the common table are edges.
    Edge dropout of the predictor was applied when the lists were drawn, once for all depths of completion.
    """

    full_degree: Tensor
    common_table: ListTable | None = None
    exclusive_table: ListTable | None = None
    joined: Tensor | None = None

    @classmethod
    def of_tables(
        cls,
        full_degree: Tensor,
        common: ListTable | None,
        exclusive: ListTable | None,
        joined: Tensor | None = None,
    ) -> SampledOverlap:
        """Build from the degrees [nodes], the tables, and which pairs of the common one are edges."""
        count = full_degree.numel()
        nothing = torch.zeros(0, dtype=torch.int64, device=full_degree.device)
        pointer = torch.zeros(count + 1, dtype=torch.int64, device=full_degree.device)
        return cls(
            pointer,
            nothing,
            count,
            full_degree=full_degree,
            common_table=common,
            exclusive_table=exclusive,
            joined=joined,
        )

    @cached_property
    def degree(self) -> Tensor:
        """The number of neighbours in the whole graph, [nodes]."""
        return self.full_degree

    def common_lists(self, pairs: Int64[Tensor, "2 pairs"]) -> Lists:
        """Return N(i) ∩ N(j) for each pair, thinned and weighted."""
        return _table(self.common_table, "common").lists_of(pair_keys(pairs, self.num_nodes))

    def has(self, pairs: Int64[Tensor, "2 pairs"]) -> Bool[Tensor, " pairs"]:
        """Return which of the batch's pairs are edges."""
        table = _table(self.common_table, "common")
        joined = torch.zeros_like(table.keys, dtype=torch.bool) if self.joined is None else self.joined
        return joined[table.places_of(pair_keys(pairs, self.num_nodes))]

    def exclusive_lists(self, node: Int64[Tensor, " pairs"], other: Int64[Tensor, " pairs"]) -> Lists:
        """Return N(node) minus N(other) for each row, thinned and weighted."""
        return _table(self.exclusive_table, "one-sided").lists_of(node * self.num_nodes + other)

    def masked(self, keep: Bool[Tensor, " entries"], *, symmetric: bool = False) -> SampledOverlap:
        """Return the same: edges were dropped before the overlaps were drawn."""
        return self

    def to(self, device: torch.device | str) -> SampledOverlap:
        """Return the overlaps on a device."""
        return SampledOverlap.of_tables(
            self.full_degree.to(device),
            None if self.common_table is None else self.common_table.to(device),
            None if self.exclusive_table is None else self.exclusive_table.to(device),
            None if self.joined is None else self.joined.to(device),
        )


def _table(table: ListTable | None, kind: str) -> ListTable:
    if table is None:
        raise InvalidGraph(
            f"The batch was sampled without {kind} neighbours, but the predictor asks for them. "
            "Draw the batch for the predictor that is asked."
        )
    return table
