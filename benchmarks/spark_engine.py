"""Whether Spark makes of events what DuckDB makes, and for how much: `python -m benchmarks.spark_engine [--rows N]`.

Generated events with times, each node's share of them uneven, read by `snapshot.engine: duckdb` and `spark`, each in a
process of its own; Spark on two executors (`--master` as Spark has it). A row an engine: the digest of all that it
makes (ids, pairs, times, later events), wall seconds, CPU seconds with those of Java, and the peak of this process.
It needs the extra `spark` and Java. A few minutes for 30 million rows on two cores, and a gigabyte of disk.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.graph_source import GraphSource

ROWS, ROWS_A_NODE = 30_000_000, 12
AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
DAYS = 230  # over which the events come
MADE = ("ids", "low", "high", "time", "repeat_pair", "repeat_time")
MASTER = "local-cluster[2,1,2048]"


@dataclass(frozen=True)
class Figures:
    """What one engine made, and what it took; `master` is where Spark ran."""

    engine: str
    master: str
    pairs: int
    digest: str
    wall_seconds: float
    cpu_seconds: float
    gib: float


def write_events(path: Path, rows: int) -> None:
    """Write generated events: a few sources have many of them."""
    rng, nodes = np.random.default_rng(rows), max(rows // ROWS_A_NODE, 10)
    since = int(AS_OF.timestamp()) - DAYS * 86_400
    columns = {
        "source": (nodes * rng.random(rows) ** 3).astype(np.int64) * 7,
        "target": rng.integers(0, nodes, rows) * 7,
        "time": since + rng.integers(0, (DAYS - 1) * 86_400, rows),
    }
    pq.write_table(pa.table(columns), path)


def measure(path: Path, engine: str) -> Figures:
    """Read the events with an engine; meant for a process of its own."""
    started = time.perf_counter()
    read = {"time_column": "time", "directed": True, "self_loops": "drop", "duplicates": "merge"}
    params = SnapshotParams.model_validate({"engine": engine, **read})
    made = GraphSource(str(path), None, params, path.parent / "scratch").read(AS_OF)
    wall, digest = time.perf_counter() - started, hashlib.sha256()
    for name in MADE:
        digest.update(np.ascontiguousarray(getattr(made, name)).tobytes())
    master = _master() if engine == "spark" else ""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(one.ru_utime + one.ru_stime for one in used)
    return Figures(engine, master, len(made.low), digest.hexdigest(), wall, cpu, used[0].ru_maxrss / 2**20)


def _master() -> str:
    from pyspark.sql import SparkSession

    session = SparkSession.builder.getOrCreate()
    try:
        return str(session.sparkContext.master)
    finally:
        session.stop()


def figures_of(path: Path, engine: str, environment: Mapping[str, str]) -> Figures:
    """Return the figures of an engine in a process of its own."""
    argv = [sys.executable, "-m", "benchmarks.spark_engine", "--one", str(path), engine]
    ran = subprocess.run(argv, env={**os.environ, **environment}, check=True, capture_output=True, text=True)
    return Figures(**json.loads(ran.stdout.splitlines()[-1]))


def main(arguments: list[str] | None = None) -> int:
    """Read the events with both and print a table; the exit status is 1 where they make something else."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spark_engine", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--master", default=MASTER)
    parser.add_argument("--one", nargs=2, metavar=("FILE", "ENGINE"), help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.one:
        print(json.dumps(asdict(measure(Path(asked.one[0]), asked.one[1]))))
        return 0
    table = Table("engine", "on", "pairs", "digest", "wall, s", "CPU, s", "this process, GiB")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.parquet"
        write_events(path, asked.rows)
        spark = {
            "PYSPARK_SUBMIT_ARGS": f"--master {asked.master} --conf spark.ui.showConsoleProgress=false pyspark-shell"
        }
        found = [figures_of(path, engine, spark) for engine in ("duckdb", "spark")]
    for one in found:
        seconds = f"{one.wall_seconds:.0f}", f"{one.cpu_seconds:.0f}"
        table.add_row(one.engine, one.master, f"{one.pairs:,}", one.digest[:16], *seconds, f"{one.gib:.1f}")
    console = Console()
    console.width = max(console.width, 120)
    console.print(table)
    return int(found[0].digest != found[1].digest)


if __name__ == "__main__":
    raise SystemExit(main())
