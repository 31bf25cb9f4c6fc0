"""Every edge there ever was with all its events, and the graph that it makes at any time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency, pair_keys
from ncnc_core.graph.edge_times import EdgeTimes
from ncnc_core.graph.positions import require_positions

FOREVER = torch.iinfo(torch.int64).max


@dataclass(frozen=True, eq=False)
class EventHistory:
    """Distinct undirected edges and what happened to them; times are int64 unix seconds.

    edges [2, edges]: positions. first_seen [edges]: an edge's first event. alive_since, removed_at [edges]: the start
    of its last life, and its end, or FOREVER. repeat_edge, repeat_time [repeats]: every event after an edge's first,
    as a column of `edges` and a time, in order of time. first_forward [edges], repeat_forward [repeats]: whether an
    event went from the lower position to the higher one; None where events have no direction. On the CPU.
    """

    edges: Tensor
    first_seen: Tensor
    alive_since: Tensor
    removed_at: Tensor
    repeat_edge: Tensor
    repeat_time: Tensor
    num_nodes: int
    first_forward: Tensor | None = None
    repeat_forward: Tensor | None = None

    @classmethod
    def of_events(
        cls, ends: Int64[Tensor, "2 events"], time: Int64[Tensor, " times"], num_nodes: int, *, directed: bool = False
    ) -> EventHistory:
        """Take events in any order and direction; an edge that has come stays. Self-loops are dropped.

        `directed` keeps which way each event went. Of events of an edge at one time the first given comes first.

        Raises:
            InvalidGraph: there is not one time an event, or an end is negative or not below `num_nodes`.
        """
        require_positions(ends, num_nodes, "edges", remedy="Raise num_nodes, or renumber the nodes.")
        if time.shape != ends.shape[1:]:
            raise InvalidGraph(f"There are {time.numel()} times for {ends.shape[1]} edges. Give one time an edge.")
        keep = (ends[0] != ends[1]).nonzero().flatten()
        keep = keep[time[keep].argsort(stable=True)]
        ends, time = ends[:, keep].long(), time[keep].long()
        keys, edge = pair_keys(ends, num_nodes).unique(return_inverse=True)
        first = torch.full_like(keys, edge.numel()).scatter_reduce_(0, edge, torch.arange(edge.numel()), "amin")
        is_first = torch.zeros_like(edge, dtype=torch.bool)
        is_first[first] = True
        low = keys.div(max(num_nodes, 1), rounding_mode="floor")
        forward = ends[0] < ends[1]
        return cls(
            edges=torch.stack([low, keys - low * num_nodes]),
            first_seen=time[first],
            alive_since=time[first],
            removed_at=torch.full_like(keys, FOREVER),
            repeat_edge=edge[~is_first],
            repeat_time=time[~is_first],
            num_nodes=num_nodes,
            first_forward=forward[first] if directed else None,
            repeat_forward=forward[~is_first] if directed else None,
        )

    @cached_property
    def arrivals(self) -> Tensor:
        """When each edge came first, sorted."""
        return self.first_seen.sort().values

    @cached_property
    def latest(self) -> int:
        """The time of the latest event, first or later; the smallest int64 where there is none."""
        newest = [int(one.max()) for one in (self.first_seen, self.repeat_time) if one.numel()]
        return max(newest, default=torch.iinfo(torch.int64).min)

    def arrived(self, time: int) -> int:
        """Return how many distinct edges had come up to a time: E(t), the clock."""
        return int(torch.searchsorted(self.arrivals, time, right=True))

    def time_of(self, arrived: int) -> int:
        """Return the earliest time at which so many distinct edges, at least one, had come."""
        return int(self.arrivals[max(arrived, 1) - 1])

    def alive_at(self, time: int) -> Bool[Tensor, " edges"]:
        """Return which edges are known to have been alive at a time: of an edge that returned, its last life counts."""
        return (self.alive_since <= time) & (self.removed_at > time)

    def fresh(self, after: int, until: int) -> Int64[Tensor, "2 fresh"]:
        """Return the edges that came first after one time and up to another, and were alive then."""
        chosen = (self.first_seen > after) & (self.first_seen <= until) & self.alive_at(until)
        return self.edges[:, chosen]

    def seen_nodes(self, time: int) -> Bool[Tensor, " nodes"]:
        """Return which nodes had had an edge up to a time."""
        seen = torch.zeros(self.num_nodes, dtype=torch.bool)
        seen[self.edges[:, self.first_seen <= time].flatten()] = True
        return seen

    def keys_until(self, time: int) -> Int64[Tensor, " keys"]:
        """Return the sorted `pair_keys` of every edge that came up to a time, also of those that are gone."""
        return pair_keys(self.edges[:, self.first_seen <= time], self.num_nodes).sort().values

    def graph_at(self, time: int) -> Adjacency:
        """Return the graph as it was at a time, with the times that its edges carried then.

        Nothing that happened later enters, but one thing: an edge that was away and came back later counts as away.
        """
        last, events = self.first_seen.clone(), torch.ones_like(self.first_seen)
        past = self.repeat_time <= time
        edge, when = self.repeat_edge[past], self.repeat_time[past]
        last.scatter_reduce_(0, edge, when, "amax")
        events.scatter_add_(0, edge, torch.ones_like(edge))
        times = EdgeTimes(self.first_seen, last, events, self.arrivals[: self.arrived(time)], self._sent(past))
        alive = self.alive_at(time)
        return Adjacency.from_edges(self.edges[:, alive], self.num_nodes, times=times.kept(alive))

    def _sent(self, past: Bool[Tensor, " repeats"]) -> Int64[Tensor, " edges"] | None:
        """Return how many events of each edge went forward: its first one, and those of the `past` repeats."""
        if self.first_forward is None or self.repeat_forward is None:
            return None
        forward = self.repeat_forward[past].long()
        return self.first_forward.long().scatter_add_(0, self.repeat_edge[past], forward)

    def until(self, time: int) -> EventHistory:
        """Return the history without anything that came later; an edge that was removed later lives."""
        known = self.first_seen <= time
        number = torch.full_like(self.first_seen, -1)
        number[known] = torch.arange(int(known.sum()))
        past = self.repeat_time <= time
        removed = self.removed_at[known]
        return EventHistory(
            self.edges[:, known],
            self.first_seen[known],
            self.alive_since[known],
            torch.where(removed > time, FOREVER, removed),
            number[self.repeat_edge[past]],
            self.repeat_time[past],
            self.num_nodes,
            None if self.first_forward is None else self.first_forward[known],
            None if self.repeat_forward is None else self.repeat_forward[past],
        )
