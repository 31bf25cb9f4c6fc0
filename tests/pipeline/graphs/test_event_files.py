from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import TamperedRecord
from pipeline.graphs import event_files
from pipeline.graphs.event_files import read_repeats, write_repeats
from pipeline.graphs.snapshot_folder import read_graph, write_folder
from pipeline.graphs.tables import CanonicalGraph, content_id
from pipeline.ingest.canonical_graph import build
from pipeline.params.snapshot import SnapshotParams
from tests.fixtures.deliveries import delivered

DAY = 86400
LOG = SnapshotParams(kind="event_log", time_column="time")
# By night: pairs that come, come again, and come late.
NIGHTS = (
    [(1, 2, 10), (2, 1, 20), (2, 3, 20), (1, 2, 20)],
    [(3, 2, DAY + 5), (3, 4, DAY - 1), (3, 4, DAY + 9)],
    [],
    [(1, 2, 4 * DAY), (1, 2, 4 * DAY - 3), (5, 1, 4 * DAY)],
)


def played(root: Path, nights: int = len(NIGHTS), *, directed: bool = False) -> tuple[CanonicalGraph, Path]:
    """Write the nights of a log beside each other, each read back from its folder; return the last one."""
    graph = folder = None
    root.mkdir(exist_ok=True)
    for number, rows in enumerate(NIGHTS[:nights], start=1):
        previous, before = read_graph(folder) if folder else None, folder
        edges = pd.DataFrame(rows, columns=["source", "target", "time"], dtype="int64")
        since = (number - 1) * DAY if previous else None
        delivery = delivered(edges, directed=directed)
        graph = build(delivery, LOG, as_of=number * DAY, previous=previous, previous_as_of=since).graph
        folder = root / f"night{number}"
        folder.mkdir()
        as_of = datetime.fromtimestamp(number * DAY, UTC)
        write_folder(graph, folder, as_of=as_of, previous=previous, previous_folder=before)
    assert graph is not None
    assert folder is not None
    return graph, folder


def digests(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_events_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    written, folder = played(tmp_path)
    read = read_graph(folder)
    for name in ("edge", "time"):
        found, expected = getattr(read.tables.repeats, name), getattr(written.tables.repeats, name)
        assert (found.tolist(), found.dtype) == (expected.tolist(), np.dtype(np.int64))
    for name in ("edge", "time", "told"):
        assert getattr(read.late, name).tolist() == getattr(written.late, name).tolist()
    assert (len(read.tables.repeats), read.late.told.tolist()) == (6, [DAY - 1])
    assert content_id(read) == content_id(written)


def test_ways_of_events_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    written, folder = played(tmp_path, directed=True)
    read = read_graph(folder)
    for found, expected in (
        (read.tables.first_forward, written.tables.first_forward),
        (read.tables.repeats.forward, written.tables.repeats.forward),
        (read.late.forward, written.late.forward),
    ):
        assert found is not None
        assert expected is not None
        assert (found.tolist(), found.dtype) == (expected.tolist(), np.dtype(np.bool_))
    assert content_id(read) == content_id(written)
    plain, _ = played(tmp_path / "plain")
    assert (plain.tables.first_forward, plain.tables.repeats.forward, plain.late.forward) == (None, None, None)


def test_a_night_adds_one_file_of_its_own_events_and_copies_the_others(tmp_path: Path) -> None:
    _, second = played(tmp_path, nights=2)
    before = digests(second)
    events = {name for name in before if name.startswith(("repeats/", "late/"))}
    assert events == {
        "late/19700103T000000Z.parquet", "repeats/19700102T000000Z.parquet", "repeats/19700103T000000Z.parquet",
    }  # fmt: skip
    assert pq.read_table(second / "repeats" / "19700103T000000Z.parquet").to_pylist() == [
        {"edge": 1, "time": DAY + 5},
        {"edge": 2, "time": DAY + 9},
    ]
    assert pq.read_table(second / "late").to_pylist() == [{"edge": 2, "time": DAY + 1, "told": DAY - 1}]
    _, last = played(tmp_path / "again")
    after = digests(last)
    assert {name: after[name] for name in events} == {name: before[name] for name in events}
    assert {name for name in after if name.startswith("repeats/")} - events == {"repeats/19700105T000000Z.parquet"}


def test_edges_are_named_in_32_bits_where_these_are_enough_and_files_of_both_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, _ = played(tmp_path)
    as_of = datetime(2026, 1, 1, tzinfo=UTC)
    (tmp_path / "a").mkdir()
    write_repeats(graph, None, tmp_path / "a", None, as_of)
    assert pq.read_schema(tmp_path / "a" / "repeats" / "20260101T000000Z.parquet").field("edge").type == pa.int32()
    more = replace(graph, tables=replace(graph.tables, repeats=graph.tables.repeats.and_then(graph.tables.repeats)))
    monkeypatch.setattr(event_files, "INT32_EDGES", 2)
    (tmp_path / "b").mkdir()
    write_repeats(more, graph, tmp_path / "b", tmp_path / "a", datetime(2026, 1, 2, tzinfo=UTC))
    assert pq.read_schema(tmp_path / "b" / "repeats" / "20260102T000000Z.parquet").field("edge").type == pa.int64()
    assert read_repeats(tmp_path / "b", 5).edge.tolist() == more.tables.repeats.edge.tolist()


def test_snapshot_of_an_earlier_version_has_no_events(tmp_path: Path) -> None:
    written, folder = played(tmp_path)
    for name in ("repeats", "late"):
        shutil.rmtree(folder / name)
    read = read_graph(folder)
    assert (len(read.tables.repeats), len(read.late)) == (0, 0)
    assert read.tables.first_seen.tolist() == written.tables.first_seen.tolist()


@pytest.mark.parametrize("edge", [4, -1])
@pytest.mark.parametrize("name", ["repeats", "late"])
def test_event_of_an_edge_that_is_not_there_is_found_on_reading(tmp_path: Path, name: str, edge: int) -> None:
    _, folder = played(tmp_path)
    columns = {"edge": pa.array([0, edge], pa.int32()), "time": [DAY, DAY], "told": [1, 1]}
    pq.write_table(pa.table(columns), folder / name / "20260101T000000Z.parquet")
    with pytest.raises(
        TamperedRecord, match=rf"{name}/ names 1 edges that edges/ lacks \(first: {edge}, of 4 edges.*Fetch the snap"
    ):
        read_graph(folder)
