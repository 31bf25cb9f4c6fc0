"""The overlaps of one batch, drawn ahead: thinned lists that a predictor looks up by pair."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import pair_keys
from ncnc_core.graph.node_lists import NodeLists


@dataclass(frozen=True, eq=False)
class ListTable:
    """Lists of nodes by key: `keys` [lists] are sorted, and all nodes of a list have one `weight` [lists]."""

    keys: Int64[Tensor, " lists"]
    row_pointer: Int64[Tensor, " pointers"]
    node: Int64[Tensor, " entries"]
    weight: Float[Tensor, " lists"]

    def lists_of(self, keys: Int64[Tensor, " wanted"]) -> NodeLists:
        """Return the lists of these keys, in their order; O(wanted * log lists + entries).

        Raises:
            InvalidGraph: a key is not in the table.
        """
        if not self.keys.numel():
            _require_none(keys.numel(), keys.numel())
            return NodeLists(keys.new_zeros(1), keys)
        place, missing = self._found(keys)
        lengths = self.row_pointer.diff()[place]
        pointer = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        weight = self.weight[place]
        # One transfer from an accelerator, not three.
        absent, entries, thinned = torch.stack([missing.sum(), pointer[-1], (weight != 1).sum()]).tolist()
        _require_none(absent, keys.numel())
        lists = torch.arange(keys.numel(), device=keys.device)
        owner = torch.repeat_interleave(lists, lengths, output_size=entries)  # [entries]
        entry = torch.arange(entries, device=keys.device) + (self.row_pointer[place] - pointer[:-1])[owner]
        return NodeLists(pointer, self.node[entry], weight[owner] if thinned else None)

    def places_of(self, keys: Int64[Tensor, " wanted"]) -> Int64[Tensor, " wanted"]:
        """Return where each key stands in the table.

        Raises:
            InvalidGraph: a key is not in it.
        """
        if not self.keys.numel():
            _require_none(keys.numel(), keys.numel())
            return torch.zeros_like(keys)
        place, missing = self._found(keys)
        _require_none(int(missing.sum()), keys.numel())
        return place

    def _found(self, keys: Tensor) -> tuple[Tensor, Tensor]:
        """Return where each key stands, and which are missing."""
        place = torch.searchsorted(self.keys, keys).clamp_(max=self.keys.numel() - 1)
        return place, self.keys[place] != keys

    def to(self, device: torch.device | str) -> ListTable:
        """Return the table on a device."""
        return ListTable(
            self.keys.to(device), self.row_pointer.to(device), self.node.to(device), self.weight.to(device)
        )


@dataclass(frozen=True, eq=False)
class SampledOverlap:
    """A batch's nodes without rows: the overlaps of its pairs are at hand, and no others.

    `degree` [nodes] counts the neighbours in the whole graph. `common_table` is keyed by `pair_keys`,
    `exclusive_table` (N(i) minus N(j)) by i * num_nodes + j; each is None where the predictor does not ask for it.
    `joined` says which pairs of the common table are edges.
    Edge dropout of the predictor was applied when the lists were drawn, once for all depths of completion.
    """

    degree: Tensor
    common_table: ListTable | None = None
    exclusive_table: ListTable | None = None
    joined: Tensor | None = None

    @property
    def num_nodes(self) -> int:
        """The number of nodes that are scored or pooled."""
        return self.degree.numel()

    @property
    def num_entries(self) -> int:
        """None: there are no rows to search."""
        return 0

    def common_neighbors(self, pairs: Int64[Tensor, "2 pairs"]) -> NodeLists:
        """Return N(i) ∩ N(j) for each pair, thinned and weighted.

        Raises:
            InvalidGraph: a pair was not drawn with this batch.
        """
        return _table(self.common_table, "common").lists_of(pair_keys(pairs, self.num_nodes))

    def has(self, pairs: Int64[Tensor, "2 pairs"]) -> Bool[Tensor, " pairs"]:
        """Return which of the batch's pairs are edges."""
        table = _table(self.common_table, "common")
        joined = torch.zeros_like(table.keys, dtype=torch.bool) if self.joined is None else self.joined
        return joined[table.places_of(pair_keys(pairs, self.num_nodes))]

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
        """Return N(node) minus N(other) for each row, thinned and weighted when the batch was drawn.

        Raises:
            InvalidGraph: a row was not drawn with this batch.
        """
        return _table(self.exclusive_table, "one-sided").lists_of(node * self.num_nodes + other)

    def dropped(self, probability: float, *, symmetric: bool) -> SampledOverlap:
        """Return the same: edges were dropped before the overlaps were drawn."""
        return self

    def to(self, device: torch.device | str) -> SampledOverlap:
        """Return the overlaps on a device."""
        return SampledOverlap(
            self.degree.to(device),
            None if self.common_table is None else self.common_table.to(device),
            None if self.exclusive_table is None else self.exclusive_table.to(device),
            None if self.joined is None else self.joined.to(device),
        )


def _require_none(missing: int, asked: int) -> None:
    if missing:
        raise InvalidGraph(
            f"{missing} of {asked} overlaps were not sampled with this batch. Draw the batch for the pairs "
            "and for the predictor that is asked."
        )


def _table(table: ListTable | None, kind: str) -> ListTable:
    if table is None:
        raise InvalidGraph(
            f"The batch was sampled without {kind} neighbours, but the predictor asks for them. "
            "Draw the batch for the predictor that is asked."
        )
    return table
