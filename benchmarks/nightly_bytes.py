"""What a night adds to the DVC remote: `python -m benchmarks.nightly_bytes [--edges N] [--change 0.01] [--json FILE]`.

Builds a graph of many edges over three nights, then delivers it with a share of its edges changed: half new ones,
half removed ones of all ages. With --log, builds a log that names its pairs two times each, then delivers a share of
its events anew: nine in ten name a known pair again, the others a new one. Every night is published by `ncnc snapshots
ingest` into a data repository of its own, and what the remote holds is weighed before and after.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
DAY = 86_400
EDGES_A_NODE = 10
TARGET = 0.05

Edges = NDArray[np.int64]  # [e]: keys low * nodes + high


@dataclass(frozen=True)
class NightCost:
    """What one night was and cost."""

    night: int
    edges: int
    added: int
    removed: int
    seconds: float
    remote_bytes: int
    new_bytes: int


@dataclass(frozen=True)
class Night:
    """One night's delivery; keys [rows]: low * nodes + high. times [rows]: unix seconds, of a log alone.

    edges: how many live after it.
    """

    keys: Edges
    edges: int
    added: int
    removed: int = 0
    times: NDArray[np.int64] | None = None

    def table(self, nodes: int) -> pa.Table:
        """Return it as it is delivered."""
        ends = pa.table({"source": self.keys // nodes, "target": self.keys % nodes})
        return ends if self.times is None else ends.append_column("time", pa.array(self.times))


def random_edges(count: int, nodes: int, taken: Edges, generator: np.random.Generator) -> Edges:
    """Return distinct edges among nodes with skewed degrees, none of them taken, sorted."""
    found = np.zeros(0, dtype=np.int64)
    while len(found) < count:
        # Squared uniforms: node 0 is the busiest, and the busiest hundredth has a tenth of all ends.
        ends = (generator.random((2, int((count - len(found)) * 1.3) + 100)) ** 2 * nodes).astype(np.int64)
        low, high = ends.min(axis=0), ends.max(axis=0)
        drawn = np.unique((low * nodes + high)[low != high])
        found = np.union1d(found, np.setdiff1d(drawn, taken, assume_unique=True))
    return np.sort(generator.choice(found, count, replace=False))


def nightly_edges(edges: int, building: int, change: float, generator: np.random.Generator) -> list[Night]:
    """Return each night's living edges, and how many of them came and went."""
    nodes = max(edges // EDGES_A_NODE, 4)
    living = np.zeros(0, dtype=np.int64)
    nights = []
    for number in range(1, building + 1):
        fresh = random_edges(edges * number // building - len(living), nodes, living, generator)
        living = np.union1d(living, fresh)
        nights.append(Night(living, len(living), len(fresh)))
    half = int(edges * change / 2)
    stays = np.ones(len(living), dtype=np.bool_)
    stays[generator.choice(len(living), half, replace=False)] = False
    fresh = random_edges(half, nodes, living, generator)
    nights.append(Night(np.union1d(living[stays], fresh), len(living), half, half))
    return nights


def nightly_events(edges: int, building: int, change: float, generator: np.random.Generator) -> list[Night]:
    """Return each night's events: in the building nights two of each new pair, in the last a share of them all anew."""
    nodes = max(edges // EDGES_A_NODE, 4)
    known = np.zeros(0, dtype=np.int64)
    nights = []

    def night(rows: Edges, fresh: Edges) -> Night:
        until = int(FIRST.timestamp()) + (len(nights) + 1) * DAY
        times = generator.integers(until - DAY, until, len(rows)) + 1
        return Night(rows, len(known) + len(fresh), len(fresh), times=times)

    for number in range(1, building + 1):
        fresh = random_edges(edges * number // building - len(known), nodes, known, generator)
        nights.append(night(np.tile(fresh, 2), fresh))
        known = np.union1d(known, fresh)
    anew = int(2 * edges * change)
    fresh = random_edges(anew // 10, nodes, known, generator)
    nights.append(night(np.concatenate([generator.choice(known, anew - len(fresh)), fresh]), fresh))
    return nights


def measure(nights: list[Night], nodes: int, root: Path, console: Console) -> list[NightCost]:
    """Publish every night below `root` and return what each cost."""
    environment = {
        **os.environ,
        "NCNC_HOME": str(root / "home"),
        "NCNC_SIMULATED_TIME": "1",
        "NCNC_DATA_REPOSITORY": str(root / "graph-data.git"),
        "NCNC_DVC_REMOTE": str(root / "remote"),
        "NCNC_SOURCE_EDGES": str(root / "edges.parquet"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{root / 'mlflow.db'}",
        "DVC_NO_ANALYTICS": "1",
    }
    params = root / "params.yaml"
    kind = ", kind: event_log, time_column: time" if nights[0].times is not None else ""
    params.write_text(f"snapshot: {{graph: large, maximum_edge_ratio: 100.0, maximum_degree_shift: 1.0{kind}}}\n")
    _ncnc(["snapshots", "init"], environment)
    costs, before = [], 0
    for number, night in enumerate(nights, start=1):
        pq.write_table(night.table(nodes), root / "edges.parquet")
        as_of = FIRST + timedelta(days=number)
        with console.status(f"night {number} of {len(nights)}: {len(night.keys):,} rows"):
            started = time.monotonic()
            _ncnc(["snapshots", "ingest", "--as-of", as_of.isoformat(), "--params", str(params)], environment)
        held = sum(path.stat().st_size for path in (root / "remote").rglob("*") if path.is_file())
        seconds = round(time.monotonic() - started, 1)
        costs.append(NightCost(number, night.edges, night.added, night.removed, seconds, held, held - before))
        before = held
    return costs


def _ncnc(arguments: list[str], environment: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-m", "pipeline.cli", *arguments], check=True, env=environment, capture_output=True)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and write where asked; the exit status is 1 where the last night adds more than the target."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nightly_bytes", description=__doc__)
    parser.add_argument("--edges", type=int, default=30_000_000)
    parser.add_argument("--change", type=float, default=0.01, help="the share of edges, or events, of the last night")
    parser.add_argument("--building-nights", type=int, default=3, help="the nights before it, each adding alike")
    parser.add_argument("--log", action="store_true", help="deliver events rather than the living edges")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--work", type=Path, help="where to work; by default the system's temporary folder")
    asked = parser.parse_args(arguments)
    console = Console()
    nightly = nightly_events if asked.log else nightly_edges
    nights = nightly(asked.edges, asked.building_nights, asked.change, np.random.default_rng(0))
    with tempfile.TemporaryDirectory(dir=asked.work) as folder:
        costs = measure(nights, max(asked.edges // EDGES_A_NODE, 4), Path(folder), console)
    last, base = costs[-1], costs[-2]
    share = last.new_bytes / base.remote_bytes
    peak_gib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    table = Table("night", "edges", "added", "removed", "seconds", "remote, MB", "new, MB")
    for cost in costs:
        counts = (cost.night, cost.edges, cost.added, cost.removed)
        sizes = (cost.seconds, cost.remote_bytes / 1e6, cost.new_bytes / 1e6)
        table.add_row(*(f"{count:,}" for count in counts), *(f"{size:,.2f}" for size in sizes))
    console.print(table)
    console.print(f"the last night added {share:.2%} of what the remote held; peak of a night {peak_gib:.1f} GiB")
    found = {"nights": [asdict(cost) for cost in costs], "new_share": share, "peak_gib": peak_gib}
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0 if share <= TARGET else 1


if __name__ == "__main__":
    raise SystemExit(main())
