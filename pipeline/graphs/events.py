"""Events of a graph's edges: which edge and when, the later ones of a pair, and those that came late."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Events:
    """Some events. edge [r]: columns of the graph's edges. time [r]: unix seconds."""

    edge: Rows
    time: Rows

    @classmethod
    def none(cls) -> Events:
        """Return no event."""
        return cls(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.edge)

    def at(self, rows: Rows | NDArray[np.bool_]) -> Events:
        """Return some of them, by row or by mask."""
        return Events(self.edge[rows], self.time[rows])

    def and_then(self, later: Events) -> Events:
        """Return these events, and others behind them."""
        return Events(np.concatenate([self.edge, later.edge]), np.concatenate([self.time, later.time]))

    def without(self, held: Events) -> Events:
        """Return the events that are not among others: of n equal ones and m equal ones held, n - m stay.

        They keep their order. Costs one sort of both together; memory is linear.
        """
        if not len(held) or not len(self):
            return self
        both = held.and_then(self)
        order = np.lexsort((both.time, both.edge))  # stable: of equal events the held ones come first
        begins = _begins(both.edge[order], both.time[order])
        starts = np.flatnonzero(begins)
        group = np.cumsum(begins) - 1
        is_ours = order >= len(held)
        num_held = np.add.reduceat(~is_ours, starts, dtype=np.int64)[group]
        place = np.arange(len(order)) - starts[group]  # within the equal ones
        stays = is_ours & (place >= 2 * num_held)
        return self.at(np.sort(order[stays] - len(held)))


@dataclass(frozen=True, eq=False)
class LateEvents:
    """The held events that are of a later time in the graph than the source said, for they were not known before.

    edge [l]: columns of the graph's edges. time [l]: unix seconds, as the graph holds the event, be it the first one
    of its edge or a later one. told [l]: the time that the source gave, before `time`.
    """

    edge: Rows
    time: Rows
    told: Rows

    @classmethod
    def none(cls) -> LateEvents:
        """Return no event."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls(nothing, nothing, nothing)

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.edge)

    def and_then(self, later: LateEvents) -> LateEvents:
        """Return these events, and others behind them."""
        ours, theirs = (self.edge, self.time, self.told), (later.edge, later.time, later.told)
        return LateEvents(*(np.concatenate(pair) for pair in zip(ours, theirs, strict=True)))

    def as_told(self, events: Events, chosen: NDArray[np.bool_]) -> Events:
        """Return held events of chosen edges, [e], with the times that the source gave; the order is another."""
        here = chosen[self.edge]
        if not here.any():
            return events
        kept = events.without(Events(self.edge[here], self.time[here]))
        return kept.and_then(Events(self.edge[here], self.told[here]))


def later_of_each(events: Events) -> Events:
    """Return all events but the earliest of each edge, in the order of edges and times."""
    order = np.lexsort((events.time, events.edge))
    edge = events.edge[order]
    return events.at(order[~_begins(edge)])


def _begins(*columns: Rows) -> NDArray[np.bool_]:
    """Return where a row differs from the one before; the first row does."""
    begins = np.zeros(len(columns[0]), dtype=np.bool_)
    begins[:1] = True
    for column in columns:
        begins[1:] |= column[1:] != column[:-1]
    return begins
