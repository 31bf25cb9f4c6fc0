from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.graph_source import GraphSource

AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
PAIRS = {"source": [1, 2, 3, 4], "target": [2, 3, 4, 5]}
SECONDS = [1_700_000_000, 1_700_000_060, 1_700_000_060, 1_700_090_000]


def warnings_of(path: Path, caplog: pytest.LogCaptureFixture, **params: object) -> list[str]:
    given = SnapshotParams.model_validate(params)
    with caplog.at_level(logging.WARNING, "pipeline.sources"):
        GraphSource(str(path), None, given, path.parent / "scratch").read(AS_OF)
    return [record.message for record in caplog.records if record.name == "pipeline.sources.reader"]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(SECONDS, id="unix seconds"),
        pytest.param(pd.to_datetime(SECONDS, unit="s"), id="timestamps"),
        pytest.param(["2023-11-14", "2023-11-15", "2023-11-15", "2023-11-16"], id="dates in text"),
    ],
)
def test_a_column_of_times_that_nothing_reads_is_named_with_the_setting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, values: object
) -> None:
    pd.DataFrame({**PAIRS, "weight": [1, 2, 3, 4], "seen": values}).to_csv(tmp_path / "edges.csv", index=False)
    (said,) = warnings_of(tmp_path / "edges.csv", caplog)
    assert "The column seen of " in said
    assert "edges.csv looks like times, from 2023-11-14" in said
    assert "Set snapshot.time_column: seen" in said


def test_a_file_without_a_header_is_told_the_name_that_its_column_has(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pd.DataFrame({**PAIRS, "seen": SECONDS}).to_csv(tmp_path / "edges.txt", index=False, header=False, sep=" ")
    (said,) = warnings_of(tmp_path / "edges.txt", caplog)
    assert "Set snapshot.time_column: column3" in said


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([1_700_000_000] * 4, id="one time"),
        pytest.param([1, 2, 3, 4], id="a count"),
        pytest.param([*SECONDS[:3], 4_000_000_000], id="after the as-of"),
        pytest.param([*SECONDS[:3], None], id="a row without"),
        pytest.param(["red", "2023-11-14", "2023-11-15", "2023-11-16"], id="words"),
        pytest.param([True, False, True, True], id="yes and no"),
    ],
)
def test_what_is_no_column_of_times_is_not_spoken_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, values: list[object]
) -> None:
    pd.DataFrame({**PAIRS, "other": values}).to_parquet(tmp_path / "edges.parquet", index=False)
    assert warnings_of(tmp_path / "edges.parquet", caplog) == []


def test_where_times_are_read_other_ones_are_not_spoken_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pd.DataFrame({**PAIRS, "time": SECONDS, "seen": SECONDS}).to_parquet(tmp_path / "edges.parquet", index=False)
    assert warnings_of(tmp_path / "edges.parquet", caplog, time_column="time") == []
