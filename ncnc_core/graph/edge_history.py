"""Every edge a graph ever held with the times it came and went, to be looked up by pair."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Int, Int64
from torch import Tensor

from ncnc_core.graph.adjacency import pair_keys
from ncnc_core.kernels.entries import find_entries
from ncnc_core.kernels.thread_slices import in_slices

NEVER = torch.iinfo(torch.int64).max
NO_KEY = -1
PAIRS_A_THREAD = 2**14
PAIRS_AT_ONCE = 2**20  # looked up at a time: about 50 MiB of temporaries


@dataclass(frozen=True, eq=False)
class EdgeHistory:
    """The edges in the order of their `pair_keys`; each tensor is int64 [edges], times are unix seconds.

    first_seen: when an edge was first held; alive_since: the start of its last life; removed_at: its end, or the
    largest int64 while it lives. On the CPU. Memory: 32 bytes an edge, 8 more once a pair is looked up.
    """

    keys: Tensor
    first_seen: Tensor
    alive_since: Tensor
    removed_at: Tensor
    num_nodes: int

    @classmethod
    def of(
        cls,
        edges: Int64[Tensor, "2 edges"],
        first_seen: Int64[Tensor, " edges"],
        alive_since: Int64[Tensor, " edges"],
        removed_at: Int64[Tensor, " edges"],
        num_nodes: int,
    ) -> EdgeHistory:
        """Take the edges in any order and direction, each once; one sort."""
        keys, order = pair_keys(edges, num_nodes).sort()
        return cls(keys, first_seen[order], alive_since[order], removed_at[order], num_nodes)

    def join_nodes(self, pairs: Int[Tensor, "2 pairs"]) -> Bool[Tensor, " pairs"]:
        """Return which pairs have a node's position at both ends."""
        return ((pairs >= 0) & (pairs < self.num_nodes)).all(0)

    def keys_of(self, pairs: Int[Tensor, "2 pairs"]) -> Int64[Tensor, " pairs"]:
        """Return the key of each pair, equal in both directions; NO_KEY where an end is no node's position."""
        keys = torch.empty(pairs.shape[1], dtype=torch.int64, device=pairs.device)
        for part, of_part in zip(pairs.split(PAIRS_AT_ONCE, dim=1), keys.split(PAIRS_AT_ONCE), strict=True):
            of_part[:] = torch.where(self.join_nodes(part), pair_keys(part.long(), self.num_nodes), NO_KEY)
        return keys

    def look_up(self, pairs: Int[Tensor, "2 pairs"]) -> PairTimes:
        """Return what is known of each pair, in either direction; O(pairs * log degree)."""
        return self.look_up_keys(self.keys_of(pairs))

    def look_up_keys(self, keys: Int64[Tensor, " pairs"]) -> PairTimes:
        """Return what is known of each pair by its key."""
        place = torch.full_like(keys, -1)
        if self.num_nodes:
            for part, of_part in zip(keys.split(PAIRS_AT_ONCE), place.split(PAIRS_AT_ONCE), strict=True):
                self._find(part, of_part)
        return PairTimes(self, keys, place)

    def _find(self, keys: Tensor, place: Tensor) -> None:
        """Write the place of each key, where it has one."""
        low = keys.clamp(min=0).div(self.num_nodes, rounding_mode="floor")
        high = keys - low * self.num_nodes  # of NO_KEY it is -1, which no row holds
        row_pointer, column, first, second, found = (one.numpy() for one in (*self._rows, low, high, place))

        def loop(start: int, stop: int) -> None:
            found[start:stop] = find_entries(row_pointer, column, first[start:stop], second[start:stop])

        in_slices(loop, len(keys), least=PAIRS_A_THREAD)

    def first_seen_until(self, time: int) -> PairTimes:
        """Return the edges that were first seen up to a time."""
        place = (self.first_seen <= time).nonzero().flatten()
        return PairTimes(self, self.keys[place], place)

    @cached_property
    def _rows(self) -> tuple[Tensor, Tensor]:
        """The edges as rows by their lower end: a lookup halves one row, which lies in the cache, and not all keys."""
        low = self.keys.div(max(self.num_nodes, 1), rounding_mode="floor")
        row_pointer = torch.zeros(self.num_nodes + 1, dtype=torch.int64)
        torch.cumsum(torch.bincount(low, minlength=self.num_nodes), 0, out=row_pointer[1:])
        return row_pointer, low.mul_(-self.num_nodes).add_(self.keys)

    def alive_at(self, time: int) -> Bool[Tensor, " edges"]:
        """Return which edges are known to have been alive at a time: of an edge that returned, its last life counts."""
        return (self.alive_since <= time) & (self.removed_at > time)


@dataclass(frozen=True, eq=False)
class PairTimes:
    """Pairs that were looked up, each tensor [pairs]: the key, and the place in the history, -1 for what is no edge."""

    history: EdgeHistory
    keys: Tensor
    place: Tensor

    @property
    def known(self) -> Bool[Tensor, " pairs"]:
        """Which pairs are an edge that the history knows, living or removed."""
        return self.place >= 0

    @property
    def first_seen(self) -> Int64[Tensor, " pairs"]:
        """When each pair was first held; NEVER where it was not."""
        found, known = torch.full_like(self.place, NEVER), self.known
        found[known] = self.history.first_seen[self.place[known]]
        return found

    def seen_until(self, time: int) -> Bool[Tensor, " pairs"]:
        """Return which pairs are an edge that was first seen up to a time."""
        return self._those(self.history.first_seen <= time)

    def alive_since_until(self, time: int) -> Bool[Tensor, " pairs"]:
        """Return which pairs are an edge whose last life began up to a time, whether or not it has ended since."""
        return self._those(self.history.alive_since <= time)

    def alive_at(self, time: int) -> Bool[Tensor, " pairs"]:
        """Return which pairs were an edge at a time."""
        return self._those(self.history.alive_at(time))

    def _those(self, edges: Bool[Tensor, " edges"]) -> Bool[Tensor, " pairs"]:
        """Return which pairs are one of some edges: a flag is fetched for each, an eighth of the memory of a time."""
        return torch.cat([edges, edges.new_zeros(1)])[self.place]  # place -1 is the flag behind the last edge's
