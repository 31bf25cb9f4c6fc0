"""What each step of a whole night costs as the graph grows: `python -m benchmarks.whole_night [--edges N ...]`.

A night of a generated graph (`large_graph.generated_edges`, and one node that is linked to three nodes of ten), with
the parameters that a night has by default, through the steps as a scheduler runs them: each in a process of its own.
With --dated each edge has a time, so that the model that reads times is trained; without, the published method. CPU
seconds and peak memory are the process's, with its children; one thread unless --threads says otherwise. A row a step,
then the growth of a night with its edges. --until ends each night early. --nights 2 adds a night in which one edge of a
hundred goes and as many come, so that the graph is compared with that of before.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
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
CHANGED = 0.01  # of the edges, from one night to the next
STEPS = ("snapshot", "split", "train", "evaluate", "decide", "register", "refresh", "report")
NOTHING_TO_DO = 99


@dataclass(frozen=True)
class StepCost:
    """What one step took; `gib` is the largest resident memory, `new_bytes` what it left in the house's folders."""

    edges: int
    dated: bool
    night: int
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
    keys = np.sort(low * nodes + high)
    keys = keys[np.diff(keys, prepend=-1) > 0]
    keys = rng.permutation(keys[keys // nodes != keys % nodes])
    columns = {"source": keys // nodes, "target": keys % nodes}
    if dated:
        since = int((AS_OF - timedelta(days=DAYS)).timestamp())
        columns["time"] = since + np.sort(rng.integers(DAYS * 86_400, size=len(keys)))
    return pa.table(columns)


def next_table(table: pa.Table, as_of: datetime) -> pa.Table:
    """Return the delivery of the next night: some edges are gone, and as many have come since."""
    rows = table.num_rows
    nodes, rng = rows // EDGES_A_NODE, np.random.default_rng(rows)
    stays = table.filter(pa.array(rng.random(rows) >= CHANGED))
    low, high = np.sort(rng.integers(nodes, size=(2, int(CHANGED * rows))), axis=0)
    fresh = np.sort(low[low < high] * nodes + high[low < high])
    fresh = fresh[np.diff(fresh, prepend=-1) > 0]
    held = stays["source"].to_numpy() * nodes + stays["target"].to_numpy()
    place = np.searchsorted(fresh, held).clip(max=len(fresh) - 1)
    fresh = np.delete(fresh, place[fresh[place] == held])
    columns = {"source": fresh // nodes, "target": fresh % nodes}
    if "time" in table.column_names:
        columns["time"] = int(as_of.timestamp()) - np.sort(rng.integers(86_400, size=len(columns["source"])))[::-1]
    return pa.concat_tables([stays, pa.table(columns)])


def measure(
    edges: int,
    root: Path,
    *,
    dated: bool,
    threads: int,
    console: Console,
    until: str = STEPS[-1],
    nights: int = 1,
) -> list[StepCost]:
    """Run the steps of some nights on a generated delivery, in a house of its own, and return what each took."""
    params, delivery = root / "params.yaml", root / "edges.parquet"
    snapshot = {"graph": "large", **({"time_column": "time"} if dated else {})}
    params.write_text(yaml.safe_dump({"snapshot": snapshot, "resources": {"threads": threads}}))
    environment = {
        **os.environ,
        "NCNC_HOME": str(root / "home"),
        "NCNC_DATA_REPOSITORY": str(root / "data.git"),
        "NCNC_DVC_REMOTE": str(root / "remote"),
        "NCNC_SOURCE_EDGES": str(delivery),
        "MLFLOW_TRACKING_URI": f"sqlite:///{root / 'mlflow.db'}",
        "DVC_NO_ANALYTICS": "1",
        "OMP_NUM_THREADS": str(threads),
    }
    _run(["snapshots", "init"], environment, root / "log.txt")
    costs: list[StepCost] = []
    for night in range(1, nights + 1):
        as_of = AS_OF + timedelta(days=night - 1)
        table = generated_table(edges, dated=dated) if night == 1 else next_table(pq.read_table(delivery), as_of)
        pq.write_table(table, delivery)
        asked = _Asked(table.num_rows, dated, night, as_of, STEPS[: STEPS.index(until) + 1])
        del table  # before the steps run: it is a tenth of their memory
        pa.default_memory_pool().release_unused()
        costs += _measured_night(asked, root, environment, console)
        if costs[-1].exit_code not in (0, NOTHING_TO_DO):
            break
    return costs


@dataclass(frozen=True)
class _Asked:
    """One night to measure."""

    edges: int
    dated: bool
    night: int
    as_of: datetime
    steps: Sequence[str]


def _measured_night(night: _Asked, root: Path, environment: Mapping[str, str], console: Console) -> list[StepCost]:
    costs: list[StepCost] = []
    run, held = root / "home" / "runs" / f"large-{night.as_of:%Y%m%dT%H%M%SZ}", _bytes(root)
    for step in night.steps:
        asked = [step, "--run-dir", str(run)]
        if step == "snapshot":
            asked += ["--as-of", night.as_of.isoformat(), "--params", str(root / "params.yaml")]
        with console.status(f"{night.edges:,} edges: {step}"):
            cpu, wall, gib, code = _run(asked, environment, root / "log.txt")
        now = _bytes(root)
        costs.append(StepCost(night.edges, night.dated, night.night, step, cpu, wall, gib, now - held, code))
        console.print(json.dumps(asdict(costs[-1])), soft_wrap=True, highlight=False)
        held = now
        if code not in (0, NOTHING_TO_DO):
            console.print((root / "log.txt").read_text()[-2000:])
            break
    return costs


def _run(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> tuple[float, float, float, int]:
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
    title = f"{costs[0].edges:,} edges {kind}, night {costs[0].night}"
    table = Table(*heads, title=title, title_justify="left")
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
    parser.add_argument("--until", choices=STEPS, default=STEPS[-1], help="the last step of each night")
    parser.add_argument("--nights", type=int, default=1, help="of each graph")
    asked = parser.parse_args(arguments)
    console, graphs = Console(stderr=True), []
    for edges in asked.edges:
        with tempfile.TemporaryDirectory(dir=asked.work) as folder:
            options = {"dated": asked.dated, "threads": asked.threads, "until": asked.until, "nights": asked.nights}
            graphs.append(measure(edges, Path(folder), console=console, **options))
        if asked.json:
            with asked.json.open("a") as out:
                out.writelines(f"{json.dumps(asdict(cost))}\n" for cost in graphs[-1])
    _print(graphs)
    wanted = asked.nights * (STEPS.index(asked.until) + 1)
    return int(any(len(costs) < wanted for costs in graphs))


def _print(graphs: Sequence[Sequence[StepCost]]) -> None:
    shown = Console()
    for costs in graphs:
        for night in dict.fromkeys(cost.night for cost in costs):
            shown.print(night_table([cost for cost in costs if cost.night == night]))
    first = graphs[0]
    for costs in graphs[1:]:
        growth = costs[0].edges / first[0].edges
        cpu = sum(cost.cpu_seconds for cost in costs) / sum(cost.cpu_seconds for cost in first)
        shown.print(f"{growth:.1f} times the edges: {cpu:.1f} times the CPU seconds")


if __name__ == "__main__":
    raise SystemExit(main())
