from __future__ import annotations

import dataclasses
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.delivery import Delivery
from pipeline.sources.graph_source import GraphSource
from pipeline.sources.pairs import distinct_ids, distinct_pairs, pair_times
from tests.fixtures.deliveries import delivered

AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
NOW = int(AS_OF.timestamp())
NUMBERS = st.integers(0, 6) | st.sampled_from([2**62, 2**63 - 1])
WORDS = st.sampled_from(["a", "B", "b", "10", "9", "é", "ﬀ", "\uff21", "\U0001d538", "a b", "'"])


def rows(ids: st.SearchStrategy[object]) -> st.SearchStrategy[pd.DataFrame]:
    row = st.tuples(ids, ids, st.integers(NOW - 5, NOW))
    return st.lists(row, min_size=1, max_size=30).map(
        lambda found: pd.DataFrame(found, columns=["source", "target", "time"])
    )


def said(delivery: Delivery) -> dict[str, object]:
    """A delivery without its file's name, bytes and time, its arrays as lists."""
    values = {field.name: getattr(delivery, field.name) for field in dataclasses.fields(delivery)}
    arrays = {name: value.tolist() for name, value in values.items() if isinstance(value, np.ndarray)}
    return values | arrays | {"sha256": "", "edges_file": "", "modified": None}


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(table=rows(NUMBERS) | rows(WORDS), with_times=st.booleans())
def test_a_source_reads_what_plain_python_does(table: pd.DataFrame, with_times: bool) -> None:
    edges = table if with_times else table[["source", "target"]]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"edges-{AS_OF:%Y-%m-%d}.parquet"
        edges.to_parquet(path, index=False)
        params = SnapshotParams(time_column="time" if with_times else None)
        found = GraphSource(f"{folder}/edges-{{date}}.parquet", None, params, Path(folder) / "scratch").read(AS_OF)
    assert said(found) == said(delivered(edges))


@settings(max_examples=25, deadline=None)
@given(table=rows(NUMBERS))
def test_of_a_directed_table_only_the_same_direction_is_a_repetition(table: pd.DataFrame) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "edges.parquet"
        table.to_parquet(path, index=False)
        params = SnapshotParams(directed=True)
        found = GraphSource(str(path), None, params, Path(folder) / "scratch").read(AS_OF)
    facts = [(a, b) for a, b in zip(table["source"], table["target"], strict=True) if a != b]
    both = {(min(pair), max(pair)) for pair in facts if pair[::-1] in facts}
    assert (found.rows.repeated, found.rows.reciprocal) == (len(facts) - len(set(facts)), len(both))
    assert found.low.tolist() == delivered(table).low.tolist()
    again = [
        row
        for row, pair in enumerate(zip(table["source"], table["target"], strict=True), 1)
        if is_again(table, row, pair)
    ]
    assert found.rows.first_repeated.partition(",")[0] == (f"row {again[0]}" if again else "")


def is_again(table: pd.DataFrame, row: int, pair: tuple[int, int]) -> bool:
    before = table.iloc[: row - 1]
    return pair[0] != pair[1] and bool(((before["source"] == pair[0]) & (before["target"] == pair[1])).any())


def test_the_expressions_hold_no_rows_and_name_no_engine() -> None:
    rows = ibis.table({"source": "int64", "target": "int64", "time": "int64"}, name="rows")
    pairs = distinct_pairs(rows, distinct_ids(rows))
    for dialect in ("duckdb", "pyspark", "postgres", "bigquery"):
        assert "GROUP BY" in ibis.to_sql(pairs, dialect=dialect)


@pytest.mark.parametrize("directed", [False, True])
def test_pairs_come_in_order_with_their_earliest_time(directed: bool) -> None:
    table = pd.DataFrame({"source": [9, 5, 9, 7, 5], "target": [5, 9, 9, 5, 7], "time": [30, 10, 1, 20, 25]})
    rows = ibis.memtable(table)
    found = distinct_pairs(rows, distinct_ids(rows), directed=directed).to_pyarrow()
    assert found.drop_columns(["reciprocal"] if directed else []).to_pydict() == {
        "low": [0, 0], "high": [1, 2], "time": [20, 10], "events": [2, 2],
    }  # fmt: skip
    if directed:
        assert found["reciprocal"].to_pylist() == [True, True]


def test_times_and_ways_of_all_rows_come_in_the_order_of_their_pairs() -> None:
    table = pd.DataFrame({"source": [9, 5, 9, 7, 5], "target": [5, 9, 9, 5, 7], "time": [30, 10, 1, 20, 25]})
    rows = ibis.memtable(table)
    found = pair_times(rows, distinct_ids(rows)).to_pyarrow().to_pydict()
    assert found == {
        "low": [0, 0, 0, 0], "high": [1, 1, 2, 2], "time": [20, 25, 10, 30], "is_forth": [False, True, True, False],
    }  # fmt: skip
