from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from benchmarks.evolving.graphs import from_dumps, from_events
from ncnc_core.graph.event_history import FOREVER

WEEK = timedelta(weeks=1)
FIRST = datetime(2026, 1, 5, tzinfo=UTC)


def seconds(week: int) -> int:
    return int((FIRST + week * WEEK).timestamp())


def test_a_link_has_the_time_of_its_first_dump_and_the_life_that_the_dumps_show() -> None:
    dumps = [[(7, 9), (9, 7), (9, 20)], [(9, 20), (20, 31)], [(7, 9), (20, 31)]]  # 7-9 goes and comes back, 9-20 goes
    graph = from_dumps((FIRST + week * WEEK, np.array(pairs)) for week, pairs in enumerate(dumps))
    assert graph.ids.tolist() == [7, 9, 20, 31]
    assert graph.dumps == (seconds(0), seconds(1), seconds(2))
    assert graph.as_of == seconds(2)
    lives = zip(*(one.tolist() for one in (*graph.history.edges, *(getattr(graph.history, name) for name in (
        "first_seen", "alive_since", "removed_at")))), strict=True)  # fmt: skip
    assert sorted(lives) == [
        (0, 1, seconds(0), seconds(2), FOREVER),
        (1, 2, seconds(0), seconds(0), seconds(2)),
        (2, 3, seconds(1), seconds(1), FOREVER),
    ]


def test_a_log_keeps_its_repeats_and_its_ids() -> None:
    graph = from_events(pd.DataFrame({"source": [50, 4, 50], "target": [4, 50, 8], "time": [3, 9, 5]}))
    assert graph.ids.tolist() == [4, 8, 50]
    assert graph.history.first_seen.tolist() == [3, 5]
    assert graph.history.repeat_time.tolist() == [9]
    assert graph.as_of == 5  # when the last distinct edge came
