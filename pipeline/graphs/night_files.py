"""Deterministic Parquet files by night: each night's new rows, and one small file per moment of leaving or return."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.records.names import stamp

ROW_GROUP_ROWS = 1 << 20
Columns = Mapping[str, pa.Array]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Moments:
    """When something happened to rows after they came, kept in one small file for each moment.

    name: of the folder. column: of the time in it. times [r]: unix seconds. happened [r]: which rows have a time.
    columns: gives the columns that name some rows.
    """

    name: str
    column: str
    times: NDArray[np.int64]
    happened: NDArray[np.bool_]
    columns: Callable[[Rows], Columns]


def append_rows(
    name: str, tonights: pa.Table, folder: Path, previous_folder: Path | None, as_of: datetime, *, deltas: bool = False
) -> None:
    """Copy the files of earlier nights byte for byte, and write tonight's rows, if any, as one more.

    deltas: store whole numbers as their differences from row to row; other columns stay as they are.
    """
    earlier = sorted((previous_folder / name).glob("*.parquet")) if previous_folder else []
    if earlier or tonights.num_rows:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for path in earlier:
        shutil.copyfile(path, folder / name / path.name)
    if tonights.num_rows:
        _write(tonights, folder / name / f"{stamp(as_of)}.parquet", deltas=deltas)


def write_moments(moments: Moments, folder: Path, previous_folder: Path | None) -> None:
    """Write one file per moment; one that lost no row since the previous snapshot is copied byte for byte."""
    happened = np.flatnonzero(moments.happened)
    if not len(happened):
        return
    # One stable sort instead of a search of all rows for each of hundreds of moments.
    happened = happened[np.argsort(moments.times[happened], kind="stable")]
    distinct, starts = np.unique(moments.times[happened], return_index=True)
    for time, rows in zip(distinct.tolist(), np.split(happened, starts[1:]), strict=True):
        path = folder / moments.name / f"{stamp(datetime.fromtimestamp(time, UTC))}.parquet"
        path.parent.mkdir(exist_ok=True)
        old = previous_folder / moments.name / path.name if previous_folder else None
        # A file only ever loses rows: with as many rows as before it has the same rows.
        if old is not None and old.is_file() and pq.read_metadata(old).num_rows == len(rows):
            shutil.copyfile(old, path)
        else:
            _write(pa.table({**moments.columns(rows), moments.column: pa.array(moments.times[rows])}), path)


def read_rows(folder: Path, name: str) -> pa.Table | None:
    """Return the rows of all nights, in the order of nights and rows; None if there are none."""
    files = sorted((folder / name).glob("*.parquet"))
    return pa.concat_tables([pq.read_table(path) for path in files]) if files else None


def _write(table: pa.Table, path: Path, *, deltas: bool = False) -> None:
    """Write Parquet such that equal tables give equal bytes: every setting that could vary is given here."""
    numbers = [field.name for field in table.schema if pa.types.is_integer(field.type)]
    pq.write_table(
        table,
        path,
        row_group_size=ROW_GROUP_ROWS,
        version="2.6",
        compression="zstd",
        compression_level=3,
        data_page_version="1.0",
        use_dictionary=not deltas,
        column_encoding=dict.fromkeys(numbers, "DELTA_BINARY_PACKED") if deltas else None,
        write_statistics=True,
    )
