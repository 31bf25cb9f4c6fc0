from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from pipeline.errors import InvalidInput, OutsideTrouble
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.delivery import Delivery
from pipeline.sources.graph_source import GraphSource
from pipeline.sources.taken_table import TakenFile, TakenTable
from tests.fixtures.small_graphs import triangle_with_tail

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


def test_a_row_is_counted_in_its_own_file(tmp_path: Path) -> None:
    (tmp_path / "part-0.csv").write_text("source,target\n1,2\n3,4\n")
    (tmp_path / "part-1.csv").write_text("target,source\n6,5\n-8,7\n")
    with pytest.raises(InvalidInput, match=r"part-1\.csv, row 2: target is '-8', which is negative"):
        read(tmp_path / "part-*.csv", tmp_path)
    (tmp_path / "part-1.csv").write_text("target,source\n6,5\n3,4\n")
    assert read(tmp_path / "part-*.csv", tmp_path).rows.first_repeated == "part-1.csv, row 2, 4 - 3"


def test_a_full_disk_is_no_fault_of_a_file() -> None:
    table = TakenTable("e.csv", (TakenFile("e.csv", Path("/scratch/e.csv"), None),))
    with pytest.raises(OutsideTrouble, match=r"The disk of this machine is full"), table.refusing():
        raise duckdb.IOException('Could not write file "/scratch/e.csv.parquet": No space left on device')


def test_files_of_one_table_agree_in_their_columns(tmp_path: Path) -> None:
    write(triangle_with_tail(), tmp_path / "part-0.parquet")
    write(triangle_with_tail().rename(columns={"target": "to"}), tmp_path / "part-1.parquet")
    with pytest.raises(InvalidInput, match=r"part-1\.parquet has no column 'target'.*snapshot\.target_column"):
        read(tmp_path / "part-*.parquet", tmp_path)
    write(triangle_with_tail().astype(str), tmp_path / "part-1.parquet")
    with pytest.raises(InvalidInput, match=r"part-1\.parquet holds column 'source' as string, but .*part-0.* as int64"):
        read(tmp_path / "part-*.parquet", tmp_path)


def test_a_broken_file_among_many_is_named(tmp_path: Path) -> None:
    write(triangle_with_tail(), tmp_path / "part-0.csv")
    (tmp_path / "part-1.csv").write_text("source,target\n1,2\n3\n")
    with pytest.raises(InvalidInput, match=r"part-1\.csv cannot be read: .*Line: 3.*Deliver a whole file"):
        read(tmp_path / "part-*.csv", tmp_path)


def test_many_files_are_one_table(tmp_path: Path) -> None:
    for number in range(150):
        (tmp_path / f"day-{number:03}.csv").write_text(f"source,target\n{number},{number + 1}\n")
    assert read(tmp_path / "day-*.csv", tmp_path).num_edges == 150


def test_rows_keep_their_numbers_in_a_file_of_many_row_groups(tmp_path: Path) -> None:
    source = np.arange(300_000, dtype=np.int64)
    source[[250_123, 270_000]] = -5
    table = pd.DataFrame({"source": source, "target": np.int64(7)})
    table.to_parquet(tmp_path / "e.parquet", index=False, row_group_size=10_000)
    with pytest.raises(InvalidInput, match=r"row 250124: source is -5, which is negative.*\(2 such rows\)"):
        read(tmp_path / "e.parquet", tmp_path)
    write(table, tmp_path / "e.csv")
    with pytest.raises(InvalidInput, match=r"row 250124: source is '-5', which is negative.*\(2 such rows\)"):
        read(tmp_path / "e.csv", tmp_path)
    table["source"] = np.arange(300_000, dtype=np.int64) % 290_000
    table["target"] = 300_001
    table.to_parquet(tmp_path / "e.parquet", index=False, row_group_size=10_000)
    assert read(tmp_path / "e.parquet", tmp_path).rows.first_repeated == "row 290001, 0 - 300001"


def said(taken: TakenTable, error: Exception) -> str:
    with pytest.raises((InvalidInput, OutsideTrouble)) as caught, taken.refusing():
        raise error
    return str(caught.value)


def test_a_broken_parquet_file_is_named_though_the_engine_names_none(tmp_path: Path) -> None:
    taken = TakenTable("all edges", (TakenFile("edges.parquet", tmp_path / "copy.parquet", None),))
    told = said(taken, duckdb.Error("Out of buffer"))
    assert told.startswith("all edges cannot be read: Out of buffer. Deliver a whole file")
    told = said(taken, duckdb.Error(f"cannot decode {tmp_path / 'copy.parquet'}"))
    assert told.startswith("edges.parquet cannot be read: cannot decode edges.parquet. Deliver a whole file")


def test_want_of_memory_is_tried_again_and_names_the_remedy(tmp_path: Path) -> None:
    taken = TakenTable("edges.csv", (TakenFile("edges.csv", tmp_path / "edges.csv", None),))
    with (
        pytest.raises(OutsideTrouble, match=r"edges\.csv could not be read.* memory or disk.*Give NCNC_HOME"),
        taken.refusing(),
    ):
        raise duckdb.OutOfMemoryException("no space")


def test_the_digest_is_of_all_bytes_and_none_where_not_all_were_read() -> None:
    one, two, unread = (TakenFile(name, Path(name), digest) for name, digest in (("a", "1"), ("b", "2"), ("c", None)))
    assert TakenTable("t", (one,)).sha256 == "1"
    assert TakenTable("t", (one, two)).sha256 == hashlib.sha256(b"12").hexdigest()
    assert TakenTable("t", (one, unread)).sha256 is None
