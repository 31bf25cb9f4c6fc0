from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.datasets import MissingData, dataset_path
from pipeline.graphs.tables import CanonicalGraph, content_id
from pipeline.ingest.canonical_graph import build
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.columns import times
from pipeline.sources.graph_source import GraphSource
from pipeline.sources.window import Night, Window

START = 1_700_000_000
HOUR = 3600
Edges = dict[tuple[object, object], int]


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def play(arrivals: pd.DataFrame, nights: Sequence[int], params: SnapshotParams) -> tuple[CanonicalGraph, list[int]]:
    """Read a log night by night, each from the last on; an event can be read once it has arrived."""
    graph, late = None, []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.parquet"
        source = GraphSource(str(path), None, params, Path(folder) / "scratch")
        for before, as_of in pairwise([None, *nights]):
            assert as_of is not None
            arrivals[arrivals["arrived"] <= as_of].drop(columns="arrived").to_parquet(path, index=False)
            delivery = source.read(at(as_of), None if before is None else at(before))
            late.append(delivery.rows.late)
            graph = build(delivery, params, as_of=as_of, previous=graph, previous_as_of=before).graph
    assert graph is not None
    return graph, late


def first_seen(graph: CanonicalGraph) -> Edges:
    """Each living edge by its ids, and when it was first seen."""
    tables = graph.tables
    ends = np.sort(tables.node_ids[tables.edges[:, tables.living]], axis=0)
    return dict(zip(zip(*ends.tolist(), strict=True), tables.first_seen[tables.living].tolist(), strict=True))


EVENTS = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(0, 95), st.sampled_from([0, 0, 0, 5, 20])),
    min_size=1,
    max_size=40,
)


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(events=EVENTS, window=st.sampled_from([0, 30]))
def test_reading_on_gives_the_graph_that_reading_everything_gives(
    events: list[tuple[int, int, int, int]], window: int
) -> None:
    # An event of the first hour, so that the first night has one to start from.
    rows = [(1, 2, 0, 0), *events]
    table = pd.DataFrame(rows, columns=["source", "target", "hour", "delay"])
    table["time"] = START + table["hour"] * HOUR
    table["arrived"] = table["time"] + table.pop("delay") * HOUR * (window > 0)
    log = table.drop(columns="hour")
    nights = [START + hour * HOUR for hour in (24, 48, 72, 120)]
    params = SnapshotParams(kind="event_log", time_column="time", late_window_hours=window)
    on, at_once = play(log, nights, params)[0], play(log, nights[-1:], params)[0]
    found, whole = first_seen(on), first_seen(at_once)
    assert found.keys() == whole.keys()
    for edge, seen in found.items():
        of_edge = log[[{a, b} == set(edge) for a, b in zip(log["source"], log["target"], strict=True)]]
        assert seen == expected_first_seen(of_edge, nights)
        if (of_edge["arrived"] == of_edge["time"]).all():
            assert seen == whole[edge]
    assert events_told(on) == events_told(at_once) == events_of(log)
    assert content_id(on) == content_id(at_once)


def events_told(graph: CanonicalGraph) -> Counter[tuple[int, int, int]]:
    """Every event that a graph holds, by the ids of its pair and the time that the source gave."""
    events = graph.told_events(np.ones(len(graph.tables.first_seen), dtype=np.bool_))
    ends = np.sort(graph.tables.node_ids[graph.tables.edges], axis=0)[:, events.edge]
    return Counter(zip(*ends.tolist(), events.time.tolist(), strict=True))


def events_of(log: pd.DataFrame) -> Counter[tuple[int, int, int]]:
    rows = zip(log["source"], log["target"], log["time"], strict=True)
    return Counter((min(a, b), max(a, b), time) for a, b, time in rows if a != b)


def expected_first_seen(events: pd.DataFrame, nights: Sequence[int]) -> int:
    """The earliest event of the night that first held one; what came late is seen after the watermark."""
    before = 0
    for as_of in nights:
        known = events[(events["arrived"] <= as_of) & (events["time"] <= as_of)]
        if len(known):
            return max(int(known["time"].min()), before + 1)
        before = as_of
    raise AssertionError("the edge is held, but no event arrived")


@pytest.mark.slow
def test_messages_of_a_college_read_by_the_week_are_those_read_at_once() -> None:
    try:
        path = dataset_path("collegemsg") / "CollegeMsg.txt"
    except MissingData as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
    log = pd.read_csv(path, sep=" ", names=["source", "target", "time"], dtype="int64")
    log["arrived"] = log["time"]
    nights = list(range(int(log["time"].min()) + 7 * 86400, int(log["time"].max()) + 7 * 86400, 7 * 86400))
    params = SnapshotParams(kind="event_log", time_column="time")
    weekly, late = play(log, nights, params)
    whole, _ = play(log, nights[-1:], params)
    assert len(first_seen(weekly)) == 13_838
    assert first_seen(weekly) == first_seen(whole)
    assert sum(late) > 0  # the window's events are read again, and change nothing
    assert len(weekly.tables.repeats) == len(log) - 13_838
    assert events_told(weekly) == events_of(log)
    assert content_id(weekly) == content_id(whole)


@pytest.mark.parametrize(
    "kind", ["int64", "float64", "string", "timestamp", "timestamp('UTC')", "date", "decimal(20, 3)"]
)
def test_a_window_is_open_at_its_start_and_holds_its_end(kind: str) -> None:
    day, first = 86400, 19_000 * 86400
    seconds = pd.Series([first, first + 1, first + day, first + day + 1])
    table = ibis.memtable(pd.DataFrame({"n": range(4), "seconds": seconds}))
    stamp = table.seconds.cast("timestamp('UTC')")
    column = stamp.cast(kind) if kind.startswith(("timestamp", "date")) else table.seconds.cast(kind)
    stored = table.mutate(time=column)
    found = Window(first, first + day).of(stored, times("time", stored.time.type())).n.to_pyarrow().to_pylist()
    assert sorted(found) == ([2, 3] if kind == "date" else [1, 2])


def test_a_night_reads_a_log_on_from_the_last_snapshot_and_back_to_what_its_age_is_judged_by() -> None:
    log = SnapshotParams(kind="event_log", time_column="time", late_window_hours=2)
    night = Night.of(log, at(START), at(START - 24 * HOUR))
    assert (night.since, night.after, night.window) == (
        START - 24 * HOUR,
        START - 26 * HOUR,
        Window(START - 26 * HOUR, START),
    )
    assert night.scope == f"after {START - 26 * HOUR} until {START}"
    old = log.model_copy(update={"max_source_age_hours": 48.0})
    assert Night.of(old, at(START), at(START - 24 * HOUR)).window == Window(START - 48 * HOUR - 1, START)
    for params, since in ((log, None), (SnapshotParams(time_column="time"), at(START - 9))):
        whole = Night.of(params, at(START), since)
        assert (whole.window, whole.after, whole.since, whole.scope) == (None, None, None, "whole")
