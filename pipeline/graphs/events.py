"""Events of a graph's edges: which edge and when, the later ones of a pair, and those that came late."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Ways = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Events:
    """Some events. edge [r]: columns of the graph's edges. time [r]: unix seconds.

    forward [r]: whether an event went from the lower position to the higher one; None where nobody says it.
    """

    edge: Rows
    time: Rows
    forward: Ways | None = None

    @classmethod
    def none(cls) -> Events:
        """Return no event."""
        return cls(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_))

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.edge)

    def at(self, rows: Rows | NDArray[np.bool_]) -> Events:
        """Return some of them, by row or by mask."""
        return Events(self.edge[rows], self.time[rows], None if self.forward is None else self.forward[rows])

    def and_then(self, later: Events) -> Events:
        """Return these events, and others behind them."""
        edge, time = (np.concatenate(pair) for pair in ((self.edge, later.edge), (self.time, later.time)))
        return Events(edge, time, ways_of_both(self.forward, later.forward))

    def without(self, held: Events) -> Events:
        """Return the events that are not among others: of n equal ones and m equal ones held, n - m stay.

        They keep their order. Costs one sort of both together; memory is linear.
        """
        if not len(held) or not len(self):
            return self
        both = held.and_then(self)
        columns = [both.edge, both.time, *([] if both.forward is None else [both.forward])]
        order = np.lexsort(columns[::-1])  # stable: of equal events the held ones come first
        begins = _begins(*(column[order] for column in columns))
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
    of its edge or a later one. told [l]: the time that the source gave, before `time`. forward [l]: as in `Events`.
    """

    edge: Rows
    time: Rows
    told: Rows
    forward: Ways | None = None

    @classmethod
    def none(cls) -> LateEvents:
        """Return no event."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls(nothing, nothing, nothing, np.zeros(0, dtype=np.bool_))

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.edge)

    def and_then(self, later: LateEvents) -> LateEvents:
        """Return these events, and others behind them."""
        ours, theirs = (self.edge, self.time, self.told), (later.edge, later.time, later.told)
        edge, time, told = (np.concatenate(pair) for pair in zip(ours, theirs, strict=True))
        return LateEvents(edge, time, told, ways_of_both(self.forward, later.forward))

    def as_told(self, events: Events, chosen: NDArray[np.bool_]) -> Events:
        """Return held events of chosen edges, [e], with the times that the source gave; the order is another."""
        here = chosen[self.edge]
        if not here.any():
            return events
        held = Events(self.edge, self.time, self.forward).at(here)
        return events.without(held).and_then(Events(held.edge, self.told[here], held.forward))


def later_of_each(events: Events) -> Events:
    """Return all events but the earliest of each edge, in the order of edges and times."""
    order = np.lexsort((events.time, events.edge))
    edge = events.edge[order]
    return events.at(order[~_begins(edge)])


def ways_of_both(one: Ways | None, other: Ways | None) -> Ways | None:
    """Return which way some events and others behind them went; None unless it is known of all."""
    return None if one is None or other is None else np.concatenate([one, other])


def _begins(*columns: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Return where a row differs from the one before; the first row does."""
    begins = np.zeros(len(columns[0]), dtype=np.bool_)
    begins[:1] = True
    for column in columns:
        begins[1:] |= column[1:] != column[:-1]
    return begins
