"""What making pairs of an event log costs: `python -m benchmarks.canonicalise`, or --events 1000000 10000000.

Writes a log of each size as Parquet, with skewed degrees and repeated pairs, reads it in a process of its own as a
night does, and prints a line a log: seconds, seconds per million events, and the largest resident memory. Then the
largest log's cost per event over the smallest's. The log of 100 million events takes 1.5 GB of disk, and minutes.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.graph_source import GraphSource

EVENTS = (1_000_000, 10_000_000, 100_000_000)
EVENTS_A_NODE = 20
NEAR = 0.8  # of the events lead to a node nearby, so that pairs repeat whatever the size of the log
REACH = 4.0  # mean distance of those
BLOCK = 1_000_000
START = datetime(2020, 1, 1, tzinfo=UTC)
SECONDS_A_DAY = 86_400
LARGEST_RATIO = 2.0
LARGEST_GIB = 8.0


def generated_events(count: int) -> Iterator[pa.Table]:
    """Yield a log of events in the order of their times; the share of repeated pairs does not depend on its size."""
    rng = np.random.default_rng(count)
    nodes = max(count // EVENTS_A_NODE, 100)
    for first in range(0, count, BLOCK):
        size = min(BLOCK, count - first)
        source = (nodes * rng.random(size) ** 2).astype(np.int64)  # a few nodes have most of the events
        step = np.ceil(rng.exponential(REACH, size)).astype(np.int64) * rng.choice([-1, 1], size)
        far = rng.random(size) > NEAR
        step[far] = rng.integers(1, nodes, far.sum())
        target = (source + step) % nodes
        days = (first + np.arange(size)) / count * 365
        times = int(START.timestamp()) + (days * SECONDS_A_DAY).astype(np.int64)
        yield pa.table({"source": _ids(source), "target": _ids(target), "time": times})


def write_log(count: int, path: Path) -> None:
    """Write a generated log as one Parquet file, a block at a time."""
    writer = None
    for block in generated_events(count):
        writer = writer or pq.ParquetWriter(path, block.schema)
        writer.write_table(block)
    if writer is not None:
        writer.close()


def measure(path: Path) -> dict[str, Any]:
    """Read one log as a night does, and return what it cost; meant for a process of its own."""
    params = SnapshotParams(kind="event_log", time_column="time")
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        started, used = time.perf_counter(), time.process_time()
        delivery = GraphSource(str(path), None, params, Path(scratch)).read(datetime(2021, 1, 1, tzinfo=UTC))
        seconds, cpu = time.perf_counter() - started, time.process_time() - used
    return {
        "events": delivery.rows.read,
        "nodes": len(delivery.ids),
        "pairs": delivery.num_edges,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "seconds_a_million": round(seconds / delivery.rows.read * 1e6, 3),
        "cpu_seconds_a_million": round(cpu / delivery.rows.read * 1e6, 3),
        "peak_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }


def _ids(nodes: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return ids whose order says nothing of which nodes are near each other; an odd factor keeps them distinct."""
    return (nodes * 2_654_435_761) % 2**40


def _measured(count: int, folder: Path) -> dict[str, Any]:
    path = folder / f"events-{count}.parquet"
    write_log(count, path)
    child = subprocess.run(
        [sys.executable, "-m", "benchmarks.canonicalise", "--one", str(path)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    path.unlink()
    found: dict[str, Any] = json.loads(child.stdout)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Measure each log in a process of its own and print the table; return 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.canonicalise", description=__doc__)
    parser.add_argument("--events", type=int, nargs="+", default=list(EVENTS))
    parser.add_argument("--folder", type=Path, help="where the logs are written; the system's temporary folder if not")
    parser.add_argument("--json", type=Path, help="a file to write the figures to")
    parser.add_argument("--one", type=Path, help="measure this log in this very process")
    asked = parser.parse_args(arguments)
    if asked.one:
        print(json.dumps(measure(asked.one)), flush=True)
        return 0
    found = []
    print(f"{'events':>12} {'pairs':>12} {'seconds':>9} {'s/million':>10} {'CPU s/million':>14} {'peak GiB':>9}")
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        for count in asked.events:
            row = _measured(count, Path(folder))
            found.append(row)
            figures = f"{row['seconds']:>9.1f} {row['seconds_a_million']:>10.3f} {row['cpu_seconds_a_million']:>14.3f}"
            print(f"{row['events']:>12,} {row['pairs']:>12,} {figures} {row['peak_gib']:>9.2f}", flush=True)
    ratio, cpu = (found[-1][cost] / found[0][cost] for cost in ("seconds_a_million", "cpu_seconds_a_million"))
    peak = max(row["peak_gib"] for row in found)
    # Beside other programs the CPU's seconds say more: those of the clock then measure the others too.
    print(f"cost per event, largest over smallest: {ratio:.2f} (target: {LARGEST_RATIO:g} at most), of CPU {cpu:.2f}")
    print(f"largest peak: {peak:.2f} GiB (target: {LARGEST_GIB:g} at most)")
    if asked.json:
        summary = {"logs": found, "ratio": round(ratio, 2), "cpu_ratio": round(cpu, 2), "peak_gib": peak}
        asked.json.write_text(json.dumps(summary, indent=2) + "\n")
    return int(ratio > LARGEST_RATIO or peak > LARGEST_GIB)


if __name__ == "__main__":
    raise SystemExit(main())
