from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import InvalidInput
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.delivery import Delivery
from pipeline.sources.engine import open_engine
from pipeline.sources.formats import open_csv, open_file, open_json, open_parquet
from pipeline.sources.graph_source import GraphSource
from pipeline.sources.text_layout import LINE_CHARACTERS

ROWS = [{"source": "a", "target": "b"}, {"source": "c", "target": "d"}]


def rows(tmp_path: Path, content: bytes) -> list[dict[str, str | None]]:
    path = tmp_path / "e.csv"
    path.write_bytes(content)
    connection = ibis.duckdb.connect()
    try:
        found: list[dict[str, str | None]] = open_csv(connection, path, "e.csv").to_pyarrow().to_pylist()
    finally:
        connection.disconnect()
    return found


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_that_of_the_header(tmp_path: Path, delimiter: str) -> None:
    assert rows(tmp_path, f"source{delimiter}target\na{delimiter}b\nc{delimiter}d\n".encode()) == ROWS


@pytest.mark.parametrize(
    "content",
    [
        b"source,target\r\na,b\r\nc,d\r\n",
        b"source,target\ra,b\rc,d\r",
        b"\xef\xbb\xbfsource,target\na,b\nc,d",
        b'"source","target"\n"a","b"\n"c",d\n\n',
    ],
)
def test_line_ends_byte_order_mark_and_quotes_do_not_matter(tmp_path: Path, content: bytes) -> None:
    assert rows(tmp_path, content) == ROWS


def test_no_row_is_taken_for_a_comment_and_a_quoted_field_is_one_field(tmp_path: Path) -> None:
    found = rows(tmp_path, b'source,target\n#a,"b,\n""b"\n')
    assert found == [{"source": "#a", "target": 'b,\n"b'}]


def test_nameless_and_repeated_columns_get_names_of_their_own(tmp_path: Path) -> None:
    assert list(rows(tmp_path, b",source,Source,target\n0,a,x,b\n")[0]) == ["column0", "source", "Source_2", "target"]


def test_one_column_needs_no_delimiter(tmp_path: Path) -> None:
    assert rows(tmp_path, b"node\na\n") == [{"node": "a"}]


def test_blank_header_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"e\.csv, line 1 is blank \('  '\)\. Deliver the file with its header"):
        rows(tmp_path, b"  \na,b\n")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "int64"),
        ([1, None, 2.5], "float64"),
        (["7", "8"], "string"),
        (["2026-01-01", "2026-01-02"], "string"),  # dates stay as they are written: they may be ids
        (["0b8a5e3e-8f0e-4f43-8f53-5bb8e0b9a111"], "string"),
        ([*range(30_000), "x"], "json"),  # the last line counts too
    ],
)
def test_a_column_is_what_all_its_lines_say(tmp_path: Path, values: list[object], kind: str) -> None:
    path = tmp_path / "e.jsonl"
    path.write_text("".join(f"{json.dumps({'value': value})}\n" for value in values))
    connection = ibis.duckdb.connect()
    try:
        table = open_json(connection, path)
        assert str(table["value"].type()) == kind
        assert len(table.to_pyarrow()) == len(values)
    finally:
        connection.disconnect()


def test_a_line_may_lack_a_column_or_bring_one(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    path.write_text('{"source": 1, "target": 2}\n{"target": 3, "extra": "x"}\n')
    connection = ibis.duckdb.connect()
    try:
        found = open_json(connection, path).to_pyarrow().to_pylist()
    finally:
        connection.disconnect()
    assert found == [{"source": 1, "target": 2, "extra": None}, {"source": None, "target": 3, "extra": "x"}]


AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
NOW = int(AS_OF.timestamp())
LOG = SnapshotParams(kind="event_log", time_column="time")


def read(path: Path, since: datetime | None) -> Delivery:
    return GraphSource(str(path), None, LOG, path.parent / "scratch").read(AS_OF, since)


def test_nanoseconds_with_a_zone_keep_their_digits(tmp_path: Path) -> None:
    times = pa.array([NOW * 10**9 - 1], pa.timestamp("ns", "America/New_York"))
    pq.write_table(pa.table({"time": times}), tmp_path / "e.parquet")
    with open_engine(tmp_path) as engine:
        found = open_parquet(engine, tmp_path / "e.parquet").to_pyarrow()["time"]
    assert found.type == pa.timestamp("ns")
    assert found.cast("int64").to_pylist() == [NOW * 10**9 - 1]


@pytest.mark.parametrize("since", [None, datetime(2026, 1, 1, tzinfo=UTC)])
@pytest.mark.parametrize(
    ("folder", "suffix"),
    [("source=9", "parquet"), ("time=2026-01-02", "parquet"), ("target=x", "csv"), ("source=9", "jsonl")],
)
def test_a_folder_named_like_a_column_is_only_a_folder(
    tmp_path: Path, folder: str, suffix: str, since: datetime | None
) -> None:
    path = tmp_path / folder / f"p.{suffix}"
    path.parent.mkdir()
    log = pd.DataFrame({"source": [1, 2], "target": [2, 3], "time": [NOW - 5, NOW - 4]})
    if suffix == "parquet":
        log.to_parquet(path, index=False)
    elif suffix == "csv":
        log.to_csv(path, index=False)
    else:
        log.to_json(path, orient="records", lines=True)
    found = read(path, since)  # text is read below a scratch folder in there
    assert found.ids.tolist() == [1, 2, 3]
    assert found.time is not None
    assert found.time.tolist() == [NOW - 5, NOW - 4]


@pytest.mark.parametrize("twice", ["source", "other"])
def test_two_columns_of_one_name_are_refused_in_a_typed_file_too(tmp_path: Path, twice: str) -> None:
    columns = [pa.array([1, 2]), pa.array([2, 3]), pa.array([7, 8]), pa.array([9, 9])]
    pq.write_table(pa.Table.from_arrays(columns, names=["source", "target", twice, "other"]), tmp_path / "e.parquet")
    with (
        open_engine(tmp_path) as engine,
        pytest.raises(InvalidInput, match=rf"e\.parquet has two columns called '{twice}'\. Rename one"),
    ):
        open_file(engine, tmp_path / "e.parquet", "e.parquet")


def test_a_header_wider_than_a_field_of_csv_may_be_is_read(tmp_path: Path) -> None:
    wide = "\t".join(["source", "target", *(f"feature_{'x' * 90}_{number}" for number in range(1500))])
    assert len(wide) > 2**17  # Python's limit of one field, and with another delimiter the header is one
    (tmp_path / "e.csv").write_text(wide + "\n" + "\t".join(["1", "2"] + ["0"] * 1500) + "\n")
    with open_engine(tmp_path) as engine:
        found = open_csv(engine, tmp_path / "e.csv", "e.csv")
        assert found.columns[:2] == ("source", "target")
        assert len(found.columns) == 1502


def test_a_first_line_that_never_ends_is_no_header(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_bytes(b"source,target," + b"x" * LINE_CHARACTERS)
    with (
        open_engine(tmp_path) as engine,
        pytest.raises(InvalidInput, match=r"e\.csv, line 1 has 1,048,576 characters or more.*with line ends"),
    ):
        open_csv(engine, tmp_path / "e.csv", "e.csv")
