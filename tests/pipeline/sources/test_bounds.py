from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from pipeline.errors import InvalidInput
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.bounds import HARMLESS_BYTES, expect_affordable
from pipeline.sources.taken_table import TakenFile, TakenTable


def taken(*paths: Path) -> TakenTable:
    return TakenTable(paths[0].name, tuple(TakenFile(path.name, path, None) for path in paths))


def expect(table: TakenTable, *, partly: bool = False, **bounds: float) -> None:
    expect_affordable(table, SnapshotParams.model_validate(bounds), columns=2, partly=partly)


def test_a_file_that_unpacks_far_beyond_its_size_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "edges.csv.gz"
    with gzip.open(path, "wb") as file:
        file.write(b"source,target\n")
        for _ in range(1 + HARMLESS_BYTES // (5 << 20)):
            file.write(b"1,22\n" * (1 << 20))
    size = path.stat().st_size
    assert size < 1 << 20
    with pytest.raises(InvalidInput, match=rf"edges\.csv\.gz unpacks to more than 100 times its {size} bytes.*raise"):
        expect(taken(path))
    expect(taken(path), maximum_source_expansion=1e4)
    with pytest.raises(InvalidInput, match=r"\.gz is larger than 0\.01 GiB .*raise snapshot\.maximum_source_gib"):
        expect(taken(path), maximum_source_expansion=1e4, maximum_source_gib=0.01)


def test_a_small_file_may_be_packed_as_well_as_it_can(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "edges.csv.gz", "wb") as file:
        file.write(b"source,target\n" + b"1,22\n" * (1 << 20))
    expect(taken(tmp_path / "edges.csv.gz"))


def test_files_of_one_table_are_summed(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("source,target\n" + "1,2\n" * 100)
    expect(taken(tmp_path / "a.csv"), maximum_source_gib=5e-7)
    with pytest.raises(InvalidInput, match=r"a\.csv is larger than 5e-07 GiB"):
        expect(taken(tmp_path / "a.csv", tmp_path / "b.csv"), maximum_source_gib=5e-7)


def test_equal_rows_of_a_parquet_file_count_each(tmp_path: Path) -> None:
    path = tmp_path / "edges.parquet"
    pd.DataFrame({"source": [1] * 1_000_000, "target": 2}).to_parquet(path)
    assert path.stat().st_size < 1 << 20
    with pytest.raises(InvalidInput, match=r"larger than 0\.01 GiB"):
        expect(taken(path), maximum_source_gib=0.01)
    expect(taken(path), maximum_source_gib=0.01, partly=True)  # of a log, only a window is read


@pytest.mark.parametrize("name", ["wide.csv", "wide.parquet"])
def test_too_many_columns_are_refused(tmp_path: Path, name: str) -> None:
    table = pd.DataFrame([[1] * 12], columns=["source", "target", *(f"c{number}" for number in range(10))])
    path = tmp_path / name
    table.to_csv(path, index=False) if path.suffix == ".csv" else table.to_parquet(path)
    expect(taken(path), maximum_source_columns=12)
    with pytest.raises(InvalidInput, match=rf"{name} has 12 columns, more than 11\..*raise snapshot\.maximum_source_"):
        expect(taken(path), maximum_source_columns=11)


def test_a_broken_file_is_left_to_the_reader_which_says_why(tmp_path: Path) -> None:
    for name in ("edges.jsonl.gz", "edges.parquet"):
        (tmp_path / name).write_bytes(b"none at all")
        expect(taken(tmp_path / name))
