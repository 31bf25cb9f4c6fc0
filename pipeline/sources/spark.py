"""The same pairs, made by Spark, on this machine or on a cluster: an optional extra that needs Java."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.expr.types import Table
from numpy.typing import NDArray

from pipeline.errors import InvalidInput
from pipeline.sources.delivery import Ids
from pipeline.sources.engine import BATCH_ROWS, id_array, pair_arrays
from pipeline.sources.pairs import distinct_ids

MEMORY = "4g"  # as DuckDB's share; Spark spills the rest to the scratch folder


@contextmanager
def open_spark(folder: Path) -> Iterator[ibis.BaseBackend]:
    """Start Spark where its own configuration says, on this machine if it says nothing, and stop it afterwards.

    That is `spark.master` in the spark-defaults.conf of SPARK_CONF_DIR, or `--master` in PYSPARK_SUBMIT_ARGS. The
    executors of a cluster read the checked rows under the same path as this process.

    Raises:
        InvalidInput: pyspark or Java is not installed.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise InvalidInput(
            "snapshot.engine is spark, but pyspark is not installed. Install the extra (pip install '.[spark]'), or "
            "set snapshot.engine: duckdb in params.yaml."
        ) from error
    settings = {
        "spark.driver.memory": MEMORY,
        "spark.driver.maxResultSize": "0",  # the pairs come to this process, as they do from DuckDB
        "spark.local.dir": str(folder),
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
    }
    builder = SparkSession.builder.appName("ncnc")
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    # The launcher raises errors of many types when the Java process does not start.
    except Exception as error:
        raise InvalidInput(
            f"snapshot.engine is spark, but Spark does not start ({type(error).__name__}: {error}). It needs Java 17: "
            f"install it and set JAVA_HOME, or set snapshot.engine: duckdb in params.yaml."
        ) from error
    session.sparkContext.setLogLevel("ERROR")
    try:
        yield ibis.pyspark.connect(session)
    finally:
        session.stop()


def spark_pairs(rows: Path, folder: Path, *, text: bool, directed: bool) -> tuple[Ids, dict[str, NDArray[np.int64]]]:
    """Return the ids and the pairs of checked rows in a Parquet file."""
    with open_spark(folder) as spark:
        table: Table = spark.read_parquet(str(rows))
        ids = distinct_ids(table).cache()
        found = id_array(ids, text=text)
        return found, pair_arrays(table, ids, lambda asked: _batches(spark, asked, folder), directed=directed)


def _batches(spark: ibis.BaseBackend, asked: Table, folder: Path) -> Iterator[pa.RecordBatch]:
    """Yield an answer in its order: Spark writes it in parts. Ibis would bring it here whole: 10 GiB of 30 million."""
    answer = folder / f"answer-{uuid.uuid4().hex}"
    spark.to_parquet(asked, answer)
    for part in sorted(answer.glob("part-*.parquet")):
        yield from pq.ParquetFile(part).iter_batches(BATCH_ROWS)
    shutil.rmtree(answer)
