from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.delivery import Delivery
from pipeline.errors import InvalidInput
from pipeline.graph_source import GraphSource
from pipeline.params import SnapshotParams

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
