"""The dated graphs as a night has them: every event up to the last one, and the times of earlier dumps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from benchmarks.datasets import dataset_path
from embedded.as_caida import ARCHIVE, TRUNCATED, dumps, links
from ncnc_core.graph.event_history import FOREVER, EventHistory

JUDGED_WEEKS = tuple(
    datetime(2007, month, day, tzinfo=UTC)
    for month, day in ((8, 27), (9, 3), (9, 10), (9, 24), (10, 1), (10, 8), (10, 15))
)


@dataclass(frozen=True, eq=False)
class DatedGraph:
    """A graph as of a time: its events, its nodes' ids, and the times of the dumps it was made of (none: a log)."""

    history: EventHistory
    ids: NDArray[np.int64]
    dumps: tuple[int, ...] = ()

    @property
    def as_of(self) -> int:
        """The time of the last event or dump, unix seconds."""
        return max([*self.dumps, int(self.history.arrivals[-1])])


def from_events(table: pd.DataFrame) -> DatedGraph:
    """Take a log of events, with the columns source, target and time; each went from its source to its target."""
    ids, place = np.unique(table[["source", "target"]].to_numpy(dtype=np.int64).ravel(), return_inverse=True)
    ends = torch.from_numpy(place.reshape(-1, 2).T.astype(np.int64).copy())
    time = torch.from_numpy(table["time"].to_numpy().astype(np.int64))
    return DatedGraph(EventHistory.of_events(ends, time, len(ids), directed=True), ids)


def from_dumps(weeks: Iterable[tuple[datetime, NDArray[np.int64]]]) -> DatedGraph:
    """Take full dumps, oldest first, each with its links [links, 2]: a link's time is that of its first dump."""
    listed = [(int(when.timestamp()), pairs) for when, pairs in weeks]
    ids, place = np.unique(np.concatenate([pairs.ravel() for _, pairs in listed]), return_inverse=True)
    ends = np.split(place.reshape(-1, 2), np.cumsum([len(pairs) for _, pairs in listed])[:-1])
    keys = [np.unique(one.min(1) * len(ids) + one.max(1)) for one in ends]
    known, first, since, removed = (np.zeros(0, dtype=np.int64) for _ in range(4))
    for (when, _), present in zip(listed, keys, strict=True):
        new = np.setdiff1d(present, known, assume_unique=True)
        known = np.concatenate([known, new])
        first, since = (np.concatenate([one, np.full(len(new), when)]) for one in (first, since))
        removed = np.concatenate([removed, np.full(len(new), FOREVER)])
        here = np.isin(known, present)
        since[here & (removed != FOREVER)] = when
        removed = np.where(here, FOREVER, np.where(removed == FOREVER, when, removed))
    edges, none = torch.from_numpy(np.stack(np.divmod(known, len(ids)))), torch.zeros(0, dtype=torch.int64)
    times = (torch.from_numpy(one) for one in (first, since, removed))
    return DatedGraph(EventHistory(edges, *times, none, none, len(ids)), ids, tuple(when for when, _ in listed))


def _collegemsg() -> DatedGraph:
    names = ["source", "target", "time"]
    return from_events(pd.read_csv(dataset_path("collegemsg/CollegeMsg.txt"), sep=" ", names=names))


def _fb_forum() -> DatedGraph:
    return from_events(
        pd.read_csv(dataset_path("fb_forum/fb-forum.edges"), names=["source", "target", "time"], usecols=[0, 1, 2])
    )


def _bitcoin(name: str) -> DatedGraph:
    table = pd.read_csv(dataset_path(f"bitcoin/soc-sign-bitcoin{name}.csv"))
    return from_events(table.rename(columns={"from": "source", "to": "target"}))


def _as_caida(until: datetime | None = None) -> DatedGraph:
    return from_dumps([one for one in _weeks() if until is None or one[0] <= until])


@cache
def _weeks() -> tuple[tuple[datetime, NDArray[np.int64]], ...]:
    """Return every dump but the truncated one, which a night refuses."""
    every = dumps(dataset_path(str(ARCHIVE)))
    return tuple((when, links(text)) for when, text in every if when != TRUNCATED)


GRAPHS: dict[str, Callable[[], DatedGraph]] = {
    "collegemsg": _collegemsg,
    "bitcoin_otc": lambda: _bitcoin("otc"),
    "bitcoin_alpha": lambda: _bitcoin("alpha"),
    "fb_forum": _fb_forum,
    "as_caida": _as_caida,
}
WEEKS: dict[str, Callable[[], DatedGraph]] = {
    f"as_caida_{week:%Y-%m-%d}": lambda week=week: _as_caida(week) for week in JUDGED_WEEKS
}
