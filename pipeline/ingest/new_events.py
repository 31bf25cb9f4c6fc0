"""The events of a delivery that the graph does not hold yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.graphs.events import Events, LateEvents, Ways
from pipeline.graphs.tables import CanonicalGraph
from pipeline.sources.delivery import Delivery


@dataclass(frozen=True, eq=False)
class DeliveredWays:
    """Whether the first rows of the delivered pairs, and their other rows, went from the lower position to the higher.

    firsts [delivered], repeats [r]; both None where tonight's tables do not say it.
    """

    firsts: Ways | None = None
    repeats: Ways | None = None

    def of_firsts(self, rows: NDArray[np.int64]) -> Ways | None:
        """Return which way the first rows of some delivered pairs went."""
        return None if self.firsts is None else self.firsts[rows]


@dataclass(frozen=True, eq=False)
class NewEvents:
    """Tonight's events, in the order of their times in the graph.

    repeats: those after the first of their edge. late: those of them, and first ones of tonight's new edges, that the
    source dates before tonight. late_repeats: how many of them are no first ones.
    """

    repeats: Events
    late: LateEvents
    late_repeats: int = 0


def new_events(
    delivery: Delivery,
    column: NDArray[np.int64],
    ways: DeliveredWays,
    before: CanonicalGraph,
    *,
    kind: Literal["full_dump", "event_log"],
    earliest: int,
) -> NewEvents:
    """Return the delivered events without those that are held; of n equal ones where m are held, n - m are new.

    column [delivered]: where each delivered pair stands in tonight's edges; new edges come after the known ones. ways:
    which way the rows went.
    earliest: no event of tonight is held from before this, in unix seconds, since nobody could have known of it.

    In a log, every event of a known pair is a later one, unless it is held. In a full dump the earliest row of a pair
    is the edge itself, however it is dated: dumps that go on from an older snapshot, or correct a date, add nothing.
    Costs sorts of the delivered events and of those held of their edges.
    """
    if delivery.time is None:
        return NewEvents(Events.none(), LateEvents.none())
    num_known = len(before.tables.first_seen)
    delivered = Events(column[delivery.repeat_pair], delivery.repeat_time, ways.repeats)
    firsts = Events(column, delivery.time, ways.firsts)
    is_new = column >= num_known
    if kind == "event_log":
        delivered = firsts.at(~is_new).and_then(delivered)
    named = np.zeros(num_known, dtype=np.bool_)
    named[delivered.edge[delivered.edge < num_known]] = True
    fresh = delivered.without(before.told_events(named))
    fresh = _in_order(fresh, earliest)
    repeats = Events(fresh.edge, np.maximum(fresh.time, earliest), fresh.forward)
    came = firsts.at(is_new).and_then(fresh)
    late = _in_order(came.at(came.time < earliest), earliest)
    held = LateEvents(late.edge, np.full(len(late), earliest, dtype=np.int64), late.time, late.forward)
    return NewEvents(repeats, held, int((fresh.time < earliest).sum()))


def _in_order(events: Events, earliest: int) -> Events:
    """Return events in the order of their times in the graph; those of one time by edge, then as they were told."""
    return events.at(np.lexsort((events.time, events.edge, np.maximum(events.time, earliest))))
