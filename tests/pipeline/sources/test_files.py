from __future__ import annotations

import bz2
import gzip
import json
import resource
import signal
from datetime import UTC, datetime
from pathlib import Path

import fsspec.implementations.local  # type: ignore[import-untyped]  # it ships no types
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import InvalidInput, NotDelivered, OutsideTrouble
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.delivery import Delivery
from pipeline.sources.files import take_files
from pipeline.sources.graph_source import GraphSource
from tests.fixtures.small_graphs import ring

AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
NOW = int(AS_OF.timestamp())


def read(
    edges: Path | str, scratch: Path, params: SnapshotParams | None = None, since: datetime | None = None
) -> Delivery:
    return GraphSource(str(edges), None, params or SnapshotParams(), scratch / "scratch").read(AS_OF, since)


def write(table: pd.DataFrame, path: Path) -> None:
    if path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    elif ".csv" in path.suffixes:
        table.to_csv(path, index=False)
    else:
        table.to_json(path, orient="records", lines=True)


@pytest.mark.parametrize("suffix", ["parquet", "csv", "csv.gz", "jsonl", "ndjson", "jsonl.gz", "ndjson.gz"])
def test_a_pattern_takes_every_file_in_every_format(tmp_path: Path, suffix: str) -> None:
    whole = ring(12)
    for number in range(3):
        write(whole.iloc[number::3], tmp_path / f"part-{number}.{suffix}")
    write(whole, tmp_path / f"whole.{suffix}")
    found, once = read(tmp_path / f"part-*.{suffix}", tmp_path), read(tmp_path / f"whole.{suffix}", tmp_path)
    assert (found.rows.read, found.low.tolist(), found.high.tolist()) == (12, once.low.tolist(), once.high.tolist())
    assert found.edges_file == f"{tmp_path}/part-*.{suffix}"
    assert found.sha256 != once.sha256
    assert read(tmp_path / f"part-*.{suffix}", tmp_path).sha256 == found.sha256


def test_a_pattern_that_no_file_has_was_not_delivered(tmp_path: Path) -> None:
    with pytest.raises(OutsideTrouble, match=r"did not deliver .*part-\*\.csv .*no file has such a name.*night waits"):
        read(tmp_path / "part-*.csv", tmp_path)


@pytest.mark.parametrize(
    ("error", "awaited"),
    [
        (FileNotFoundError("no such key"), True),
        (ConnectionRefusedError("refused"), True),
        (TimeoutError("no answer"), True),
        (PermissionError("Access Denied"), False),
        (ValueError("no such protocol"), False),
    ],
)
def test_only_what_a_source_mends_by_itself_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, awaited: bool
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(fsspec.implementations.local.LocalFileSystem, "open", fail)
    with pytest.raises(OutsideTrouble, match=r"did not deliver .*edges\.csv") as caught:
        take_files(str(tmp_path / "edges.csv"), tmp_path / "copy", in_place=False)
    assert isinstance(caught.value, NotDelivered) == awaited


def test_a_pattern_may_be_an_fsspec_url(tmp_path: Path) -> None:
    store = fsspec.filesystem("memory")
    for number in range(2):
        store.pipe(f"/globbed/part-{number}.csv", f"source,target\n{number},9\n".encode())
    found = read("memory://globbed/part-*.csv", tmp_path)
    assert found.ids.tolist() == [0, 1, 9]


def test_json_lines_keep_the_kind_of_ids(tmp_path: Path) -> None:
    lines = [{"source": "2026-01-01", "target": "b", "time": NOW}, {"target": "c", "source": "b", "time": NOW - 1}]
    (tmp_path / "e.jsonl").write_text("\n".join(map(json.dumps, lines)))
    found = read(tmp_path / "e.jsonl", tmp_path, SnapshotParams(time_column="time"))
    assert found.ids.tolist() == ["2026-01-01", "b", "c"]
    assert found.time is not None
    assert found.time.tolist() == [NOW, NOW - 1]


def test_of_a_local_parquet_log_only_the_window_is_read_and_the_file_stays(tmp_path: Path) -> None:
    log = pd.DataFrame({"source": range(5), "target": 9, "time": [NOW - 90_000, NOW - 80_000, NOW - 5, NOW, NOW + 1]})
    write(log, tmp_path / "log.parquet")
    params = SnapshotParams(kind="event_log", time_column="time", late_window_hours=0)
    taken = take_files(str(tmp_path / "log.parquet"), tmp_path / "edges", in_place=True)
    assert (taken.files[0].path, taken.sha256) == (tmp_path / "log.parquet", None)
    found = read(tmp_path / "log.parquet", tmp_path, params, since=datetime.fromtimestamp(NOW - 6, UTC))
    assert found.ids.tolist() == [2, 3, 9]
    # What lies outside the window is not even looked at: what was wrong there was refused on its own night.
    write(log.assign(source=[-1, *range(1, 5)]), tmp_path / "log.parquet")
    again = read(tmp_path / "log.parquet", tmp_path, params, since=datetime.fromtimestamp(NOW - 6, UTC))
    assert (again.sha256, again.since) == (found.sha256, NOW - 6)


def test_bytes_that_are_no_gzip_are_refused(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl.gz").write_bytes(b'{"source": 1, "target": 2}\n')
    with pytest.raises(InvalidInput, match=r"e\.jsonl\.gz cannot be read.*Deliver a whole file"):
        read(tmp_path / "e.jsonl.gz", tmp_path)
    (tmp_path / "e.jsonl.gz").write_bytes(gzip.compress(b'{"source": 1, "target": 2}\n{"source"', mtime=0))
    with pytest.raises(InvalidInput, match=r"e\.jsonl\.gz cannot be read: .*Malformed JSON"):
        read(tmp_path / "e.jsonl.gz", tmp_path)


@pytest.mark.parametrize("as_timestamps", [False, True])
def test_parts_of_a_parquet_log_outside_the_window_are_not_read(tmp_path: Path, as_timestamps: bool) -> None:
    path = tmp_path / "log.parquet"
    seconds = NOW - 100_000 + np.arange(100_000)
    times = pd.to_datetime(seconds, unit="s", utc=True) if as_timestamps else seconds
    log = pd.DataFrame({"source": np.arange(100_000), "target": 200_000, "time": times})
    log.to_parquet(path, index=False, row_group_size=10_000)
    first = pq.read_metadata(path).row_group(0)
    with path.open("r+b") as file:  # an unreadable part shows what is read
        for number in range(first.num_columns):
            column = first.column(number)
            file.seek(column.dictionary_page_offset or column.data_page_offset)
            file.write(b"\xff" * column.total_compressed_size)
    params = SnapshotParams(kind="event_log", time_column="time", late_window_hours=0)
    with pytest.raises(InvalidInput, match=r"log\.parquet cannot be read.*Deliver a whole file"):
        read(path, tmp_path, params)
    assert read(path, tmp_path, params, since=datetime.fromtimestamp(NOW - 501, UTC)).num_edges == 500


def test_a_full_disk_is_no_fault_of_the_source(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("source,target\n" + "1,2\n" * 5000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OutsideTrouble, match=r"The disk of this machine is full.*Free space") as caught:
            take_files(str(tmp_path / "e.csv"), tmp_path / "copy", in_place=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert "did not deliver" not in str(caught.value)


def test_a_folder_of_parts_is_one_table_without_its_writers_notes(tmp_path: Path) -> None:
    folder = tmp_path / "edges.parquet"
    folder.mkdir()
    for number in range(2):
        write(ring(12).iloc[number::2], folder / f"part-{number:05}.parquet")
    (folder / "_SUCCESS").touch()
    (folder / ".part-00000.parquet.crc").write_bytes(b"crc")
    assert read(folder, tmp_path).rows.read == 12
    assert read(folder, tmp_path, SnapshotParams(kind="event_log", time_column=None)).rows.read == 12
    (folder / "_temporary").mkdir()
    with pytest.raises(OutsideTrouble, match=r"did not deliver .*its writer is still at work: there is a folder _temp"):
        read(folder, tmp_path)


def test_a_folder_with_files_of_two_formats_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    write(ring(12), tmp_path / "d" / "a.parquet")
    write(ring(12), tmp_path / "d" / "b.csv")
    with pytest.raises(
        InvalidInput, match=r"several formats: \.csv, \.parquet\. Deliver the files of one table in one"
    ):
        read(tmp_path / "d", tmp_path)


@pytest.mark.parametrize("name", ["e*.csv", "a::b.csv", "edges{1}.csv", "edges[1].csv", "s3:b.csv", "what?#.csv"])
def test_a_path_that_is_meant_as_it_stands_is_taken_so(tmp_path: Path, name: str) -> None:
    write(ring(12), tmp_path / name)
    write(ring(9), tmp_path / "edges1.csv")  # what the pattern would take beside it or in its place
    found = read(f"literal:{tmp_path / name}", tmp_path)
    assert (found.rows.read, found.edges_file) == (12, str(tmp_path / name))


@pytest.mark.parametrize("suffix", ["tsv", "txt", "edges", "csv.bz2", "txt.zst", "CSV"])
def test_every_known_suffix_is_read(tmp_path: Path, suffix: str) -> None:
    content = ring(12).to_csv(index=False, sep="\t").encode()
    packed = {"bz2": bz2.compress(content), "zst": pa.compress(content, "zstd", asbytes=True)}
    (tmp_path / f"e.{suffix}").write_bytes(packed.get(suffix.rpartition(".")[2], content))
    assert read(tmp_path / f"e.{suffix}", tmp_path).rows.read == 12


@pytest.mark.parametrize("name", ["log[1].parquet", "log?.parquet", "log*.parquet", "LOG.PARQUET"])
def test_a_log_is_read_from_the_file_of_its_name_and_from_no_other(tmp_path: Path, name: str) -> None:
    log = pd.DataFrame({"source": [1], "target": [2], "time": [NOW]})
    (tmp_path / name).write_bytes(log.to_parquet(index=False))
    log.assign(source=7).to_parquet(tmp_path / "log1.parquet", index=False)
    params = SnapshotParams(kind="event_log", time_column="time")
    found = read(f"literal:{tmp_path / name}", tmp_path, params, since=datetime.fromtimestamp(NOW - 6, UTC))
    assert found.ids.tolist() == [1, 2]


def test_a_part_without_a_header_stands_beside_none_that_names_other_columns(tmp_path: Path) -> None:
    (tmp_path / "part-0.csv").write_text("source,target\n1,2\n")
    (tmp_path / "part-1.csv").write_text("3,4\n")
    assert read(tmp_path / "part-*.csv", tmp_path).ids.tolist() == [1, 2, 3, 4]
    (tmp_path / "part-0.csv").write_text("id,source,target\n1,10,20\n")
    (tmp_path / "part-1.csv").write_text("2,30,40\n")  # as split -l leaves it: 2 is no source
    with pytest.raises(InvalidInput, match=r"part-1\.csv has no header, .*part-0\.csv has one.*: id, source, target"):
        read(tmp_path / "part-*.csv", tmp_path)
