from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.spark_engine import figures_of
from pipeline.errors import InvalidInput
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.delivery import Delivery
from pipeline.sources.graph_source import GraphSource
from pipeline.sources.spark import open_spark

AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
needs_pyspark = pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None, reason="pyspark is not installed: pip install '.[spark]'"
)


def read(path: Path, engine: str) -> Delivery:
    params = SnapshotParams.model_validate(
        {"engine": engine, "time_column": "time", "directed": True, "self_loops": "drop", "duplicates": "merge"}
    )
    return GraphSource(str(path), None, params, path.parent / "scratch").read(AS_OF)


@needs_pyspark
@pytest.mark.slow
@pytest.mark.parametrize("text", [False, True])
def test_spark_makes_the_pairs_that_duckdb_makes(tmp_path: Path, text: bool) -> None:
    rng = np.random.default_rng(7)
    table = pd.DataFrame(rng.integers(0, 60, (2000, 2)), columns=["source", "target"])
    table["time"] = 1_700_000_000 + rng.integers(0, 1000, len(table))
    if text:
        words = np.array([chr(code) for code in [*range(65, 121), 233, 0xFB00, 0xFF21, 0x1D538]])
        table["source"], table["target"] = words[table["source"]], words[table["target"]]
    table.to_parquet(tmp_path / "edges.parquet", index=False)
    ours, theirs = read(tmp_path / "edges.parquet", "duckdb"), read(tmp_path / "edges.parquet", "spark")
    assert ours.rows == theirs.rows
    assert ours.rows.reciprocal > 0
    for name in ("ids", "low", "high", "time", "repeat_pair", "repeat_time"):
        assert getattr(ours, name).tolist() == getattr(theirs, name).tolist()


@needs_pyspark
@pytest.mark.slow
def test_a_cluster_of_two_executors_makes_the_pairs_that_duckdb_makes(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    table = pd.DataFrame(rng.integers(0, 60, (2000, 2)), columns=["source", "target"])
    table["time"] = 1_700_000_000 + rng.integers(0, 1000, len(table))
    table.to_parquet(tmp_path / "edges.parquet", index=False)
    cluster = {"PYSPARK_SUBMIT_ARGS": "--master local-cluster[2,1,1024] pyspark-shell"}
    figures = [figures_of(tmp_path / "edges.parquet", engine, cluster) for engine in ("duckdb", "spark")]
    assert figures[0].digest == figures[1].digest
    assert (figures[0].master, figures[1].master) == ("", "local-cluster[2,1,1024]")


def test_a_missing_pyspark_is_named_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with (
        pytest.raises(InvalidInput, match=r"pyspark is not installed.*\.\[spark\].*engine: duckdb"),
        open_spark(tmp_path),
    ):
        pass


@needs_pyspark
@pytest.mark.slow
def test_a_missing_java_is_named_with_the_remedy(tmp_path: Path) -> None:
    program = "import pathlib; from pipeline.sources.spark import open_spark; open_spark(pathlib.Path()).__enter__()"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "JAVA_HOME": str(tmp_path / "nowhere")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "InvalidInput: snapshot.engine is spark, but Spark does not start" in ran.stderr
    assert "set JAVA_HOME, or set snapshot.engine: duckdb" in ran.stderr
