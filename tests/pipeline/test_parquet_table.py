from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.delivery import Delivery
from pipeline.graph_source import GraphSource
from pipeline.params import SnapshotParams
from pipeline.parquet_table import open_parquet
from pipeline.source_engine import open_engine

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
