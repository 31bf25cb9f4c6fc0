from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from pipeline.errors import InvalidInput
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.delivery import Delivery
from pipeline.sources.graph_source import GraphSource

AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
NOW = int(AS_OF.timestamp())
TABLE = pd.DataFrame(
    {
        "source": [1, 2, 3, 4, 5, 5],
        "target": [2, 3, 4, 5, 6, 5],
        "weight": [0.5, 1.0, 2.5, 3.0, 0.1, 9.0],
        "kind": ["call", "mail", "call", None, "call", "mail"],
        "time": [NOW - 4, NOW - 3, NOW - 2, NOW - 1, NOW, NOW + 1],
    }
)


def read(table: pd.DataFrame, folder: Path, suffix: str = "parquet", **settings: object) -> Delivery:
    path = folder / f"edges.{suffix}"
    if suffix == "csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path, index=False)
    params = SnapshotParams.model_validate(settings)
    return GraphSource(str(path), None, params, folder / "scratch").read(AS_OF)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_weights_and_types_choose_rows_and_the_others_are_counted(tmp_path: Path, suffix: str) -> None:
    heavy = read(TABLE, tmp_path, suffix, weight_column="weight", minimum_weight=1)
    assert (heavy.rows.read, heavy.rows.left_out, heavy.rows.self_loops, heavy.num_edges) == (6, 2, 1, 3)
    calls = read(TABLE, tmp_path, suffix, type_column="kind", edge_types=("call",))
    assert (calls.rows.left_out, calls.ids.tolist()) == (3, [1, 2, 3, 4, 5, 6])  # a row without a type is of none
    both = read(
        TABLE,
        tmp_path,
        suffix,
        weight_column="weight",
        minimum_weight=1,
        type_column="kind",
        edge_types=("call", "mail"),
    )
    assert (both.rows.left_out, both.num_edges) == (3, 2)


def test_types_may_be_whole_numbers(tmp_path: Path) -> None:
    table = TABLE.assign(kind=[1, 2, 1, 2, 1, 2])
    assert read(table, tmp_path, type_column="kind", edge_types=("2",)).rows.left_out == 3


def test_a_row_that_is_left_out_is_at_no_other_fault(tmp_path: Path) -> None:
    settings = {"weight_column": "weight", "minimum_weight": 9.5, "time_column": "time"}
    with pytest.raises(InvalidInput, match=r"6 rows, and all are left out.*Lower snapshot\.minimum_weight.*edge_types"):
        read(TABLE, tmp_path, **settings)
    found = read(TABLE, tmp_path, type_column="kind", edge_types=("call",), time_column="time")
    assert (found.rows.left_out, found.rows.self_loops, found.newest) == (3, 0, NOW)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (
            [0.5, None, 1, 1, 1, 1],
            r"row 2: weight is None, which is no weight\. Weights are finite.*minimum_weight: null",
        ),
        ([0.5, 1, float("inf"), 1, 1, 1], r"row 3: weight is inf, which is not finite"),
        ([[1]] * 6, r"holds column 'weight' as array.*Weights are finite"),
    ],
)
def test_a_bad_weight_is_named(tmp_path: Path, weight: list[object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read(TABLE.assign(weight=weight), tmp_path, weight_column="weight", minimum_weight=1)


def test_a_type_that_is_no_word_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"holds column 'weight' as float64\. Types are strings.*type_column: null"):
        read(TABLE, tmp_path, type_column="weight", edge_types=("call",))


def test_rows_at_fault_are_only_looked_for_where_they_are_refused(tmp_path: Path) -> None:
    table = pd.DataFrame({"source": [1, 2, 2, 3], "target": [1, 3, 3, 2]})
    strict = read(table, tmp_path).rows
    assert (strict.first_self_loop, strict.first_repeated) == ("row 1, 1 - 1", "row 3, 2 - 3")
    lax = read(table, tmp_path, self_loops="drop", duplicates="merge").rows
    assert (lax.self_loops, lax.repeated, lax.first_self_loop, lax.first_repeated) == (1, 2, "", "")


def test_a_reciprocal_pair_of_a_directed_table_is_no_repetition(tmp_path: Path) -> None:
    table = pd.DataFrame({"source": [1, 2, 2, 3], "target": [2, 1, 3, 2]})
    rows = read(table, tmp_path, directed=True).rows
    assert (rows.repeated, rows.reciprocal) == (0, 2)
    assert read(table, tmp_path).rows.repeated == 2
