from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.graphs.night_files import Moments, append_rows, read_rows, write_moments

FIRST, SECOND = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)


def moments(times: list[int], happened: list[bool]) -> Moments:
    return Moments("removals", "removed_at", np.array(times), np.array(happened), lambda rows: {"row": pa.array(rows)})


def test_rows_of_a_night_make_one_file_more_and_none_make_none(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "c").mkdir()
    append_rows("edges", pa.table({"x": [1]}), tmp_path / "a", None, FIRST)
    append_rows("edges", pa.table({"x": [2]}), tmp_path / "b", tmp_path / "a", SECOND)
    append_rows("edges", pa.table({"x": pa.array([], pa.int64())}), tmp_path / "c", tmp_path / "b", SECOND)
    names = ["20260101T000000Z.parquet", "20260102T000000Z.parquet"]
    assert sorted(path.name for path in (tmp_path / "c" / "edges").iterdir()) == names
    rows = read_rows(tmp_path / "c", "edges")
    assert rows is not None
    assert rows["x"].to_pylist() == [1, 2]
    assert read_rows(tmp_path / "c", "nodes") is None


def test_no_rows_at_all_leave_no_folder(tmp_path: Path) -> None:
    append_rows("edges", pa.table({"x": pa.array([], pa.int64())}), tmp_path, None, FIRST)
    write_moments(moments([5, 6], [False, False]), tmp_path, None)
    assert list(tmp_path.iterdir()) == []


def test_each_moment_has_a_file_and_only_one_that_lost_a_row_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    write_moments(moments([60, 0, 60, 120], [True, False, True, True]), tmp_path / "a", None)
    old = tmp_path / "a" / "removals" / "19700101T000200Z.parquet"
    assert pq.read_table(old).to_pylist() == [{"row": 3, "removed_at": 120}]
    pq.write_table(pq.read_table(old), old, compression="none")  # other bytes, as of another library version
    write_moments(moments([60, 0, 60, 120], [True, False, False, True]), tmp_path / "b", tmp_path / "a")
    assert pq.read_table(tmp_path / "b" / "removals" / "19700101T000100Z.parquet")["row"].to_pylist() == [0]
    assert (tmp_path / "b" / "removals" / old.name).read_bytes() == old.read_bytes()
