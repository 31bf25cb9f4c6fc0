"""Times as sources write them: zones, fractions of a second, units too fine, and infinity."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InvalidInput
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.delivery import Delivery
from pipeline.sources.graph_source import GraphSource
from tests.fixtures.local_services import postgres_schema, postgres_url

AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
NOW = int(AS_OF.timestamp())


def write(table: pd.DataFrame, path: Path) -> str:
    if path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False)
    return str(path)


def read(edges: str | Path, nodes: str | None = None, params: SnapshotParams | None = None) -> Delivery:
    scratch = Path(str(edges)).parent / "scratch"
    return GraphSource(str(edges), nodes, params or SnapshotParams(), scratch).read(AS_OF)


BAD_VALUES = [
    (
        "e.csv",
        b"0,1\n1,2\n",
        r"line 1 reads 0,1\. That may be the first row, or column numbers.*Give the file a header",
    ),
    (
        "e.csv",
        b"ann,bob\na,b\n",
        r"its columns are ann, bob\. If line 1 is a row and no header, put a header before it",
    ),
    ("e.csv", b"sorce,target\n1,2\n", r"no column 'source'.*snapshot\.source_column.*nearest: sorce"),
    ("e.csv", b"source,target\n1,2\n3,NaN\n", r"e\.csv, row 2: target is 'NaN'.*Mend the row"),
    ("e.csv", b"source,target\n1,2\n3,4\n,5\n", r"e\.csv, row 3: source is None, which is no node id"),
    ("e.csv", b"source,target\n1,2\n3,4\n5,-6\n", r"e\.csv, row 3: target is '-6', which is negative.*leave it out"),
    ("e.csv", b"source,target\n1,2\n3,4.5\n", r"e\.csv, row 2: target is '4\.5', which is no node id"),
    ("e.csv", b"source,target\n1,2\n3,4\n5,x\n", r"e\.csv, row 3: target is 'x', which is no node id"),
    ("e.csv", b"source,target\n1,2\n3,4\n99999999999999999999,1\n", r"row 3: source is '99999999999999999999'"),
    ("e.csv", b"source,target\na,b\nc,nan\n", r"row 2: target is 'nan', which is no node id"),
    ("e.csv", b"source,target\nn1,n2\nn2, n3\n", r"e\.csv, row 2: target is ' n3', which has outer whitespace.*Strip"),
    ("e.csv", b"source,target\n1.0,2.0\n2.0,3.0\n", r"e\.csv, row 1: source is '1\.0', which is a float.*write 3, not"),
    ("e.csv", b"source,target\n1,2\n2,3.0\n", r"e\.csv, row 2: target is '3\.0', which is a float.*as integers"),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD_VALUES)
def test_bad_value_is_refused_with_row_value_and_remedy(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput, match=message):
        read(tmp_path / name)


BAD_COLUMNS = [
    ([1.0, np.nan], r"e\.parquet, row 2: source is None, which is no node id"),
    ([1.0, 2.0], r"holds column 'source' as float64.*int64 from 0 up"),
    ([1, -7], r"e\.parquet, row 2: source is -7, which is negative"),
    (["a", "b"], r"mixes kinds of ids: source holds strings, target holds integers\. Make all of them int64"),
    ([True, False], r"holds column 'source' as boolean"),
    (pd.to_datetime(["2026-01-01", "2026-01-01"]), r"holds column 'source' as timestamp"),
]


@pytest.mark.parametrize(("values", "message"), BAD_COLUMNS)
def test_wrong_type_in_a_typed_file_is_refused(tmp_path: Path, values: list[object], message: str) -> None:
    path = write(pd.DataFrame({"source": values, "target": [1, 2]}), tmp_path / "e.parquet")
    with pytest.raises(InvalidInput, match=message):
        read(path)


def test_nan_that_is_no_null_is_named_too(tmp_path: Path) -> None:
    pq.write_table(pa.table({"source": [1.0, float("nan")], "target": [1, 2]}), tmp_path / "e.parquet")
    with pytest.raises(InvalidInput, match=r"row 2: source is nan, which is no node id"):
        read(tmp_path / "e.parquet")


TIMES = [
    ("parquet", [NOW - 100, NOW], [NOW - 100, NOW]),
    ("parquet", [NOW - 99.5, float(NOW)], [NOW - 100, NOW]),  # seconds with a fraction are floored
    ("parquet", pd.to_datetime(["2026-01-01", "2026-01-02"]), [NOW - 86400, NOW]),  # without a zone: UTC
    ("parquet", pd.to_datetime(["2026-01-01T01:00+01:00", "2026-01-02T00:00Z"], utc=True), [NOW - 86400, NOW]),
    ("csv", ["2026-01-01 00:00:00", "2026-01-02T00:00:00Z"], [NOW - 86400, NOW]),
    ("csv", [str(NOW - 1), f"{NOW}.0"], [NOW - 1, NOW]),
]


@pytest.mark.parametrize(("suffix", "values", "seconds"), TIMES)
def test_times_become_unix_seconds(tmp_path: Path, suffix: str, values: object, seconds: list[int]) -> None:
    path = write(pd.DataFrame({"source": [1, 2], "target": [2, 3], "time": values}), tmp_path / f"e.{suffix}")
    delivery = read(path, params=SnapshotParams(time_column="time"))
    assert delivery.time is not None
    assert delivery.time.tolist() == seconds


@pytest.mark.parametrize(
    ("value", "message"),
    [("soon", r"row 2: time is 'soon', which is no time"), ("-5", r"row 2: time is '-5', which is before 1970")],
)
def test_bad_time_is_named(tmp_path: Path, value: str, message: str) -> None:
    path = write(pd.DataFrame({"source": [1, 2], "target": [2, 3], "time": ["1", value]}), tmp_path / "e.csv")
    with pytest.raises(InvalidInput, match=message):
        read(path, params=SnapshotParams(time_column="time"))


@pytest.mark.parametrize("padded", ["n1 ", "\tn1", "n1\u00a0", "n1\n", "\ufeffn1"])
def test_text_ids_with_outer_whitespace_are_refused_in_a_typed_file_too(tmp_path: Path, padded: str) -> None:
    table = pd.DataFrame({"source": ["n1", padded], "target": ["n2", "n 3"]})
    with pytest.raises(InvalidInput, match=r"e\.parquet, row 2: source is .*outer whitespace.*Strip the column"):
        read(write(table, tmp_path / "e.parquet"))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_node_table_with_outer_whitespace_is_refused(tmp_path: Path, suffix: str) -> None:
    edges = write(pd.DataFrame({"source": ["n1"], "target": ["n 2"]}), tmp_path / f"e.{suffix}")
    nodes = write(pd.DataFrame({"node": ["n1", "n 2 "]}), tmp_path / f"n.{suffix}")
    with pytest.raises(InvalidInput, match=r"n\.\w+, row 2: node is 'n 2 ', which has outer whitespace.*Strip"):
        read(edges, nodes)


@pytest.mark.parametrize("odd", ["n1\0", "\0n1", "n\0", "n\x1b1", "n\t1", "n\x7f1", "n\x851"])
def test_text_ids_with_control_characters_are_refused(tmp_path: Path, odd: str) -> None:
    path = write(pd.DataFrame({"source": ["n1", odd], "target": ["n2", "n3"]}), tmp_path / "e.parquet")
    with pytest.raises(InvalidInput, match=r"e\.parquet, row 2: source is '.*\\.*', which has a control.*Take such"):
        read(path)
    edges = write(pd.DataFrame({"source": ["n1"], "target": ["n2"]}), tmp_path / "e.parquet")
    nodes = write(pd.DataFrame({"node": ["n1", odd]}), tmp_path / "n.parquet")
    with pytest.raises(InvalidInput, match=r"n\.parquet, row 2: node is '.*\\.*', which has a control.*Take such"):
        read(edges, nodes)


DAY = 86_400
LOG = SnapshotParams(kind="event_log", time_column="time", late_window_hours=0)


@pytest.fixture
def machine_in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def read_times(location: str | Path, scratch: Path, params: SnapshotParams | None = None) -> list[int]:
    found = GraphSource(str(location), None, params or SnapshotParams(time_column="time"), scratch / "s").read(AS_OF)
    assert found.time is not None
    return found.time.tolist()


def write_text_times(folder: Path, kind: str, value: str) -> str:
    if kind == "csv":
        (folder / "e.csv").write_text(f"source,target,time\n1,2,{value}\n")
    elif kind == "jsonl":
        (folder / "e.jsonl").write_text(json.dumps({"source": 1, "target": 2, "time": value}))
    else:
        with sqlite3.connect(folder / "e.db") as connection:
            connection.execute("CREATE TABLE e (source INTEGER, target INTEGER, time TEXT)")
            connection.execute("INSERT INTO e VALUES (1, 2, ?)", (value,))
        return f"sqlite:///{folder}/e.db#e"
    return str(folder / f"e.{kind}")


@pytest.mark.parametrize("kind", ["csv", "jsonl", "sqlite"])
@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2026-01-01T00:00:00+02:00", NOW - DAY - 7200),
        ("2026-01-01 00:00:00-08", NOW - DAY + 8 * 3600),
        ("2026-01-01T00:00:00Z", NOW - DAY),
        ("2026-01-01T00:00:00", NOW - DAY),  # without a zone: UTC
        ("2026-01-01T23:59:59.999999999", NOW - 1),
    ],
)
@pytest.mark.usefixtures("machine_in_new_york")
def test_the_zone_that_a_text_names_counts(tmp_path: Path, kind: str, value: str, seconds: int) -> None:
    assert read_times(write_text_times(tmp_path, kind, value), tmp_path) == [seconds]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
@pytest.mark.usefixtures("machine_in_new_york")
def test_parquet_timestamps_of_every_unit_and_zone_are_read(tmp_path: Path, unit: str, zone: str | None) -> None:
    factor = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    times = pa.array([NOW * factor - 1, NOW * factor], pa.timestamp(unit, zone))
    pq.write_table(pa.table({"source": [1, 2], "target": [2, 3], "time": times}), tmp_path / "e.parquet")
    assert read_times(tmp_path / "e.parquet", tmp_path) == [NOW - 1, NOW]  # the last moment of a second is of it
    assert read_nights(tmp_path / "e.parquet", [NOW - DAY, NOW - 1, NOW], tmp_path) == [
        {(1, 2): NOW - 1},
        {(2, 3): NOW},
    ]


def read_nights(location: str | Path, as_ofs: list[int], scratch: Path) -> list[dict[tuple[int, int], int]]:
    """Read a log from the first as-of on, and return each pair's time, a night each."""
    source = GraphSource(str(location), None, LOG, scratch / "scratch")
    nights = []
    for since, as_of in pairwise(as_ofs):
        found = source.read(datetime.fromtimestamp(as_of, UTC), datetime.fromtimestamp(since, UTC))
        assert found.time is not None
        pairs = zip(found.ids[found.low].tolist(), found.ids[found.high].tolist(), strict=True)
        nights.append(dict(zip(pairs, found.time.tolist(), strict=True)))
    return nights


def require_each_event_in_its_night(location: str | Path, micros: list[int], scratch: Path) -> None:
    as_ofs = [NOW - DAY, NOW - 1, NOW, NOW + 1, NOW + DAY]
    nights = read_nights(location, as_ofs, scratch)
    whole = read_nights(location, [as_ofs[0], as_ofs[-1]], scratch)[0]
    assert whole == {(number, 1000): micro // 10**6 for number, micro in enumerate(micros)}
    assert {pair: at for night in nights for pair, at in night.items()} == whole
    assert sum(map(len, nights)) == len(whole)


FRACTIONS = st.lists(st.integers(-20, 20).map(lambda tenth: NOW * 10**6 + tenth * 10**5), min_size=1, max_size=12)


@settings(max_examples=5, deadline=None)
@given(micros=FRACTIONS, unit=st.sampled_from(["us", "ns"]), zone=st.sampled_from([None, "UTC"]))
def test_fractions_around_the_as_of_fall_into_one_night(
    tmp_path_factory: pytest.TempPathFactory, micros: list[int], unit: Literal["us", "ns"], zone: str | None
) -> None:
    folder = tmp_path_factory.mktemp("fractions")
    raw = np.array(micros) * (1000 if unit == "ns" else 1)
    table = {"source": range(len(raw)), "target": [1000] * len(raw), "time": pa.array(raw, pa.timestamp(unit, zone))}
    pq.write_table(pa.table(table), folder / "log.parquet")
    require_each_event_in_its_night(folder / "log.parquet", micros, folder)


@pytest.mark.parametrize("kind", ["TIMESTAMPTZ", "TIMESTAMP", "NUMERIC", "DOUBLE PRECISION"])
def test_fractions_in_postgres_fall_into_one_night(tmp_path: Path, kind: str) -> None:
    micros = [NOW * 10**6 + tenth * 10**5 for tenth in range(-20, 21)]
    url = postgres_url()
    with postgres_schema(url) as (schema, run):
        run(f"CREATE TABLE log (source BIGINT, target BIGINT, time {kind})")
        for number, micro in enumerate(micros):
            stamp = f"'{datetime.fromtimestamp(micro / 1e6, UTC)}'" if kind.startswith("TIME") else micro / 1e6
            run(f"INSERT INTO log VALUES ({number}, 1000, {stamp})")
        require_each_event_in_its_night(f"{url}#{schema}.log", micros, tmp_path)


def test_fractions_in_text_fall_into_one_night(tmp_path: Path) -> None:
    micros = [NOW * 10**6 + tenth * 10**5 for tenth in range(-20, 21)]
    stamps = [datetime.fromtimestamp(micro / 1e6, UTC).isoformat() for micro in micros]
    log = pd.DataFrame({"source": range(len(micros)), "target": 1000, "time": stamps})
    log.to_csv(tmp_path / "log.csv", index=False)
    require_each_event_in_its_night(tmp_path / "log.csv", micros, tmp_path)


@pytest.mark.parametrize("params", [SnapshotParams(time_column="time"), LOG])
def test_a_time_beyond_any_calendar_is_named_as_text(tmp_path: Path, params: SnapshotParams) -> None:
    path = tmp_path / "e.parquet"
    ends = {"source": [1, 2], "target": [2, 3]}
    pq.write_table(pa.table({**ends, "time": pa.array([NOW * 10**6] * 2, pa.timestamp("ms"))}), path)
    with pytest.raises(
        InvalidInput, match=r"row 1: time is '57973-\d\d-.*', which is beyond the year 9999.*finer unit"
    ):
        read_times(path, tmp_path, params)
    pq.write_table(pa.table({**ends, "time": [NOW, NOW * 1000]}), path)
    with pytest.raises(InvalidInput, match=rf"row 2: time is {NOW}000, which is beyond the year 9999.*finer unit"):
        read_times(path, tmp_path, params)


@pytest.mark.parametrize("value", ["infinity", "-infinity"])
def test_infinity_in_a_database_is_refused(tmp_path: Path, value: str) -> None:
    url = postgres_url()
    with postgres_schema(url) as (schema, run):
        run("CREATE TABLE log (source BIGINT, target BIGINT, time TIMESTAMPTZ)")
        run(f"INSERT INTO log VALUES (1, 2, '{value}')")
        # The driver adds to infinity, and shows what came of it.
        with pytest.raises(InvalidInput, match=r"log: time is '29\d+-.* \(BC\).*', which is before 1970"):
            read_times(f"{url}#{schema}.log", tmp_path)


def test_features_from_beyond_any_calendar_are_refused(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("source,target\n1,2\n")
    times = pa.array([NOW * 10**6] * 2, pa.timestamp("ms"))
    pq.write_table(pa.table({"node": [1, 2], "since": times}), tmp_path / "n.parquet")
    params = SnapshotParams(node_time_column="since")
    source = GraphSource(str(tmp_path / "e.csv"), str(tmp_path / "n.parquet"), params, tmp_path / "scratch")
    with pytest.raises(InvalidInput, match=r"n\.parquet, row 1: since is '57973-.*beyond the year 9999"):
        source.read(AS_OF)


TEXT = SnapshotParams(id_type="text")


@pytest.mark.parametrize("odd", ["007", "12345678901234567890", "null", "None", "nan", "NA", "V12"])
def test_ids_that_are_text_keep_every_character(tmp_path: Path, odd: str) -> None:
    path = tmp_path / "e.csv"
    path.write_text(f"source,target\n1,2\n2,3\n3,{odd}\n7,1\n")
    found = GraphSource(str(path), None, TEXT, tmp_path / "scratch").read(AS_OF)
    assert found.ids.tolist() == sorted(["1", "2", "3", "7", odd])


def test_words_are_ids_where_the_file_says_that_they_are_strings(tmp_path: Path) -> None:
    pd.DataFrame({"source": ["null", "nan"], "target": ["NA", "none"]}).to_parquet(tmp_path / "e.parquet")
    found = GraphSource(str(tmp_path / "e.parquet"), None, SnapshotParams(), tmp_path / "scratch").read(AS_OF)
    assert found.ids.tolist() == ["NA", "nan", "none", "null"]


def test_unsigned_ids_beyond_int64_round_trip_as_text(tmp_path: Path) -> None:
    ids = np.array([2**63, 2**64 - 1, 5], dtype=np.uint64)
    pd.DataFrame({"source": ids, "target": np.roll(ids, 1)}).to_parquet(tmp_path / "e.parquet")
    source = str(tmp_path / "e.parquet")
    with pytest.raises(InvalidInput, match=r"9223372036854775808, which is no node id\..*set snapshot\.id_type: text"):
        GraphSource(source, None, SnapshotParams(), tmp_path / "scratch").read(AS_OF)
    found = GraphSource(source, None, TEXT, tmp_path / "scratch").read(AS_OF)
    assert found.ids.tolist() == sorted(map(str, ids.tolist()))


def test_leading_zeros_are_never_lost_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text("source,target\n1,2\n007,1\n")
    with pytest.raises(InvalidInput, match=r"row 2: source is '007', which has leading zeros\..*id_type: text if they"):
        GraphSource(str(path), None, SnapshotParams(), tmp_path / "scratch").read(AS_OF)
    integers = SnapshotParams(id_type="integer")
    assert GraphSource(str(path), None, integers, tmp_path / "scratch").read(AS_OF).ids.tolist() == [1, 2, 7]
