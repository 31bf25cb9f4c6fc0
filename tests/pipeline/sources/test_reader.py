from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from pipeline.errors import InvalidInput
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.delivery import Delivery
from pipeline.sources.graph_source import GraphSource

START = 1_700_000_000
AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
NOW = int(AS_OF.timestamp())


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def test_no_table_of_a_delivery_is_read_beyond_the_bounds(tmp_path: Path) -> None:
    edges, nodes, wide = (tmp_path / name for name in ("e.csv", "n.csv", "wide.csv"))
    edges.write_text("source,target\n1,2\n")
    nodes.write_text("node\n" + "1\n" * 2000)
    wide.write_text(",".join(["source", "target", *(f"c{number}" for number in range(8000))]) + "\n")

    def read(source: Path, **bounds: float) -> Delivery:
        params = SnapshotParams.model_validate(bounds)
        return GraphSource(str(source), str(nodes), params, tmp_path / "scratch").read(AS_OF)

    with pytest.raises(InvalidInput, match=r"wide\.csv has 8002 columns, more than 2000\..*maximum_source_columns"):
        read(wide)
    with pytest.raises(InvalidInput, match=r"n\.csv is larger than 1e-06 GiB .*snapshot\.maximum_source_gib"):
        read(edges, maximum_source_gib=1e-6)


def test_a_night_without_events_delivers_nothing(tmp_path: Path) -> None:
    log = pd.DataFrame({"source": ["a"], "target": ["b"], "time": [START]})
    log.to_csv(tmp_path / "log.csv", index=False)
    params = SnapshotParams(kind="event_log", time_column="time", late_window_hours=0)
    source = GraphSource(str(tmp_path / "log.csv"), None, params, tmp_path / "scratch")
    quiet = [source.read(at(START + day * 86400), at(START + (day - 1) * 86400)) for day in (1, 2)]
    assert [delivery.num_edges for delivery in quiet] == [0, 0]
    assert quiet[0].ids_are_text
    assert quiet[0].newest is None
    assert quiet[0].sha256 == quiet[1].sha256 == source.read(at(START)).sha256  # the file was read whole


def test_a_digest_is_of_the_bytes_where_all_were_read_and_else_of_what_was_taken(tmp_path: Path) -> None:
    log = pd.DataFrame({"source": [1, 2], "target": [2, 3], "time": [START, START - 86400]})
    log.to_csv(tmp_path / "log.csv", index=False)
    log.to_parquet(tmp_path / "log.parquet", index=False)
    params = SnapshotParams(kind="event_log", time_column="time", late_window_hours=0)

    def digests(name: str) -> list[str]:
        source = GraphSource(str(tmp_path / name), None, params, tmp_path / "scratch")
        return [source.read(at(START + day * 86400), at(START + (day - 1) * 86400)).sha256 for day in (0, 0, 1)]

    first, again, next_night = digests("log.csv")
    assert first == again == next_night
    first, again, next_night = digests("log.parquet")
    assert first == again != next_night
    (tmp_path / "quiet.csv").write_text("source,target,time\n")
    first, again, next_night = digests("quiet.csv")
    assert first == again != next_night  # two quiet nights are not one delivery given twice


def test_a_later_event_of_another_time_makes_another_delivery(tmp_path: Path) -> None:
    params = SnapshotParams(kind="event_log", time_column="time")

    def delivered(*times: int) -> Delivery:
        log = pd.DataFrame({"source": [1, 2, 1][: len(times)], "target": [2, 1, 2][: len(times)], "time": times})
        log.to_parquet(tmp_path / "log.parquet", index=False)
        source = GraphSource(str(tmp_path / "log.parquet"), None, params, tmp_path / "scratch")
        return source.read(at(START), at(START - 86400))

    found = delivered(START - 9, START - 5, START - 7)
    assert found.time is not None
    assert (found.time.tolist(), found.repeat_pair.tolist()) == ([START - 9], [0, 0])
    assert found.repeat_time.tolist() == [START - 7, START - 5]
    assert delivered(START - 9, START - 7, START - 5).sha256 == found.sha256
    assert delivered(START - 9, START - 5, START - 6).sha256 != found.sha256
    assert delivered(START - 9).repeat_time.tolist() == []


def test_a_log_of_one_file_a_night_may_be_empty(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("source,target,time\n")
    params = SnapshotParams(kind="event_log", time_column="time")
    source = GraphSource(str(tmp_path / "log.csv"), None, params, tmp_path / "scratch")
    assert source.read(at(START + 86400), at(START)).num_edges == 0


@pytest.mark.parametrize("ids", [["a", "b"], [1, 2]])
@pytest.mark.parametrize("kind", ["csv", "parquet", "sqlite"])
def test_where_no_event_came_the_node_table_says_what_ids_are(tmp_path: Path, kind: str, ids: list[object]) -> None:
    events = pd.DataFrame({"source": ids[:1], "target": ids[1:], "time": [NOW - 90_000]})
    nodes = pd.DataFrame({"node": ids, "rank": [1, 2]})
    edges_at, nodes_at = (str(tmp_path / f"{name}.{kind}") for name in ("edges", "nodes"))
    if kind == "csv":
        events.head(0).to_csv(edges_at, index=False)
        nodes.to_csv(nodes_at, index=False)
    elif kind == "parquet":  # what a writer without a row to look at makes of every column
        events.head(0).astype("int64").to_parquet(edges_at, index=False)
        nodes.to_parquet(nodes_at, index=False)
    else:
        with sqlite3.connect(tmp_path / "log.db") as connection:
            events.to_sql("edges", connection, index=False)
            nodes.to_sql("nodes", connection, index=False)
        edges_at, nodes_at = (f"sqlite:///{tmp_path}/log.db#{name}" for name in ("edges", "nodes"))
    params = SnapshotParams(
        kind="event_log", time_column="time", late_window_hours=0, feature_columns=("rank",), self_loops="drop"
    )
    found = GraphSource(edges_at, nodes_at, params, tmp_path / "scratch").read(AS_OF, AS_OF - timedelta(days=1))
    assert (found.num_edges, len(found.ids), found.ids_are_text) == (0, 0, ids == ["a", "b"])
    assert found.nodes is not None
    assert found.nodes.ids.tolist() == ids
