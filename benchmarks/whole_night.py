"""What each step of a whole night costs as the graph grows: `python -m benchmarks.whole_night [--edges N ...]`.

One night of a generated graph (`large_graph.generated_edges`, and one node that is linked to three nodes of ten), with
the parameters that a night has by default, through the steps as a scheduler runs them: each in a process of its own.
With --dated each edge has a time, so that the model that reads times is trained; without, the published method. CPU
seconds and peak memory are the process's, with its children; one thread unless --threads says otherwise. A row a step,
then the growth of a night with its edges.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from rich.console import Console
from rich.table import Table

from benchmarks.large_graph import generated_edges

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
EDGES_A_NODE = 10
DRAWS_A_NODE = 11.6  # some are repeats; the hub adds three edges to ten nodes
HUB_SHARE = 0.3
DAYS = 200  # over which dated edges come
STEPS = ("snapshot", "split", "train", "evaluate", "decide", "register", "refresh", "report")
NOTHING_TO_DO = 99


@dataclass(frozen=True)
class StepCost:
    """What one step took; `gib` is the largest resident memory, `new_bytes` what it left in the house's folders."""

    edges: int
    dated: bool
    step: str
    cpu_seconds: float
    wall_seconds: float
    gib: float
    new_bytes: int
    exit_code: int


def generated_table(edges: int, *, dated: bool) -> pa.Table:
    """Return about so many edges among a tenth as many nodes, as they are delivered."""
    nodes, rng = edges // EDGES_A_NODE, np.random.default_rng(edges)
    drawn = generated_edges(nodes, DRAWS_A_NODE - HUB_SHARE, rng).numpy()
    linked = 1 + rng.permutation(nodes - 1)[: int(HUB_SHARE * nodes)]
    ends = np.concatenate([drawn, np.stack([np.zeros_like(linked), linked])], 1)
    low, high = ends.min(0), ends.max(0)
    keys = np.unique(low * nodes + high)
    keys = rng.permutation(keys[keys // nodes != keys % nodes])
    columns = {"source": keys // nodes, "target": keys % nodes}
    if dated:
        since = int((AS_OF - timedelta(days=DAYS)).timestamp())
        columns["time"] = since + np.sort(rng.integers(DAYS * 86_400, size=len(keys)))
    return pa.table(columns)


def measure(table: pa.Table, root: Path, *, threads: int, console: Console) -> list[StepCost]:
    """Run the steps of one night on a delivery, in a house of its own, and return what each took."""
    dated = "time" in table.column_names
    params, run = root / "params.yaml", root / "home" / "runs" / f"large-{AS_OF:%Y%m%dT%H%M%SZ}"
    snapshot = {"graph": "large", **({"time_column": "time"} if dated else {})}
    params.write_text(yaml.safe_dump({"snapshot": snapshot, "resources": {"threads": threads}}))
    pq.write_table(table, root / "edges.parquet")
    environment = {
        **os.environ,
        "NCNC_HOME": str(root / "home"),
        "NCNC_DATA_REPOSITORY": str(root / "data.git"),
        "NCNC_DVC_REMOTE": str(root / "remote"),
        "NCNC_SOURCE_EDGES": str(root / "edges.parquet"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{root / 'mlflow.db'}",
        "DVC_NO_ANALYTICS": "1",
        "OMP_NUM_THREADS": str(threads),
    }
    _run(["snapshots", "init"], environment, root / "log.txt")
    costs, held = [], _bytes(root)
    for step in STEPS:
        asked = [step, "--run-dir", str(run)]
        if step == "snapshot":
            asked += ["--as-of", AS_OF.isoformat(), "--params", str(params)]
        with console.status(f"{table.num_rows:,} edges: {step}"):
            cpu, wall, gib, code = _run(asked, environment, root / "log.txt")
        now = _bytes(root)
        costs.append(StepCost(table.num_rows, dated, step, cpu, wall, gib, now - held, code))
        console.print(json.dumps(asdict(costs[-1])), soft_wrap=True, highlight=False)
        held = now
        if code not in (0, NOTHING_TO_DO):
            console.print((root / "log.txt").read_text()[-2000:])
            break
    return costs


def _run(arguments: Sequence[str], environment: dict[str, str], log: Path) -> tuple[float, float, float, int]:
    """Run one command, and return its CPU seconds, its wall seconds, its peak memory in GiB and its exit code."""
    started = time.monotonic()
    with log.open("a") as out:
        command = [sys.executable, "-m", "pipeline.cli", *arguments]
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
        _, status, used = os.wait4(process.pid, 0)
    seconds = round(used.ru_utime + used.ru_stime, 1), round(time.monotonic() - started, 1)
    return *seconds, round(used.ru_maxrss / 2**20, 2), os.waitstatus_to_exitcode(status)


def _bytes(root: Path) -> int:
    return sum(path.lstat().st_size for path in root.rglob("*") if path.is_file())


def night_table(costs: Sequence[StepCost]) -> Table:
    """Return a row a step, and one for the whole night."""
    kind = "with times" if costs[0].dated else "without times"
    heads = ("step", "CPU s", "wall s", "peak, GiB", "new, MB")
    table = Table(*heads, title=f"{costs[0].edges:,} edges {kind}", title_justify="left")
    for cost in costs:
        figures = (cost.cpu_seconds, cost.wall_seconds, cost.gib, cost.new_bytes / 1e6)
        table.add_row(cost.step, *(f"{value:,.1f}" for value in figures))
    cpu, wall = (sum(getattr(cost, name) for cost in costs) for name in ("cpu_seconds", "wall_seconds"))
    new = sum(cost.new_bytes for cost in costs) / 1e6
    table.add_row("night", f"{cpu:,.1f}", f"{wall:,.1f}", f"{max(cost.gib for cost in costs):,.1f}", f"{new:,.1f}")
    return table


def main(arguments: list[str] | None = None) -> int:
    """Run the nights, print tables, and write JSON lines where asked; the exit status is 1 where a step failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.whole_night", description=__doc__)
    parser.add_argument("--edges", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--dated", action="store_true", help="give each edge a time")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where to add the figures, a line a step")
    parser.add_argument("--work", type=Path, help="where to work; by default the system's temporary folder")
    asked = parser.parse_args(arguments)
    console, nights = Console(stderr=True), []
    for edges in asked.edges:
        with tempfile.TemporaryDirectory(dir=asked.work) as folder:
            table = generated_table(edges, dated=asked.dated)
            nights.append(measure(table, Path(folder), threads=asked.threads, console=console))
        if asked.json:
            with asked.json.open("a") as out:
                out.writelines(f"{json.dumps(asdict(cost))}\n" for cost in nights[-1])
    shown = Console()
    for costs in nights:
        shown.print(night_table(costs))
    first = nights[0]
    for costs in nights[1:]:
        growth = costs[0].edges / first[0].edges
        cpu = sum(cost.cpu_seconds for cost in costs) / sum(cost.cpu_seconds for cost in first)
        shown.print(f"{growth:.1f} times the edges: {cpu:.1f} times the CPU seconds")
    return int(any(len(costs) < len(STEPS) for costs in nights))


if __name__ == "__main__":
    raise SystemExit(main())
