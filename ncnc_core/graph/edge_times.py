"""When the edges of a graph came, and how long ago that is, counted in edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from ncnc_core.graph.sorted_search import sorted_places


@dataclass(frozen=True, eq=False)
class EdgeTimes:
    """The times of a graph's edges, int64 unix seconds, one an entry of its adjacency, and the clock they are read by.

    first, last [entries]: an edge's first and last event. events [entries]: how many it had. arrivals [arrived]: when
    each distinct edge that ever was, also one that is gone, came first; sorted. Equal for (u, v) and (v, u). sent
    [entries]: how many of the events went from the entry's row to its column; None where events have no direction.

    The clock counts edges: E(t) is the number of distinct edges that came up to t, and the age of t is E(now) - E(t).
    So an age depends neither on the unit of time nor on pauses, and it grows only as edges arrive.
    """

    first: Tensor
    last: Tensor
    events: Tensor
    arrivals: Tensor
    sent: Tensor | None = None

    @property
    def received(self) -> Int64[Tensor, " entries"] | None:
        """How many of the events went from the entry's column to its row; None where events have no direction."""
        return None if self.sent is None else self.events - self.sent

    def age(self, time: Int64[Tensor, " times"], window: float) -> Float[Tensor, " times"]:
        """Return how long ago each time is, in windows of so many edges; 0 for a time after the last arrival."""
        newer = self.arrivals.numel() - sorted_places(self.arrivals, time, right=True)
        return (newer.double() / window).float()

    def kept(self, keep: Bool[Tensor, " entries"] | Int64[Tensor, " kept"] | slice) -> EdgeTimes:
        """Return the times of the kept entries, by a mask, places or a slice; the clock goes on as before."""
        sent = None if self.sent is None else self.sent[keep]
        return EdgeTimes(self.first[keep], self.last[keep], self.events[keep], self.arrivals, sent)

    def with_more(self, time: Int64[Tensor, " more"]) -> EdgeTimes:
        """Return the times with those of more edges behind them, one event each; the clock goes on as before.

        Where events have directions, those go the way in which the edges are given.
        """
        one = torch.ones_like(time)
        events, sent = torch.cat([self.events, one]), None if self.sent is None else torch.cat([self.sent, one])
        return EdgeTimes(torch.cat([self.first, time]), torch.cat([self.last, time]), events, self.arrivals, sent)

    def to(self, device: torch.device | str) -> EdgeTimes:
        """Return the times on a device."""
        moved: list[Any] = [
            None if one is None else one.to(device)
            for one in (self.first, self.last, self.events, self.arrivals, self.sent)
        ]
        return EdgeTimes(*moved)

    def of_entries(self, keys: Int64[Tensor, " entries"], given: Int64[Tensor, " given"]) -> EdgeTimes:
        """Return the times of the entries with the sorted `keys`; these are of edges that `given` names by key, twice.

        `given` holds the key of each edge in one direction and then in the other. Of an edge that comes several times
        the earliest first and the latest last count, and its events add up.
        """
        place = sorted_places(keys, given)
        first, last, events = (one.repeat(2) for one in (self.first, self.last, self.events))
        earliest = torch.full_like(keys, torch.iinfo(torch.int64).max).scatter_reduce_(0, place, first, "amin")
        latest = torch.full_like(keys, torch.iinfo(torch.int64).min).scatter_reduce_(0, place, last, "amax")
        sent = None
        if self.sent is not None:
            both = torch.cat([self.sent, self.events - self.sent])  # back: what the other end sent
            sent = torch.zeros_like(keys).scatter_add_(0, place, both)
        return EdgeTimes(earliest, latest, torch.zeros_like(keys).scatter_add_(0, place, events), self.arrivals, sent)
