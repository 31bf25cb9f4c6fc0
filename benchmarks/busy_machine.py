"""What a second thread is worth, and what it costs where the cores are busy: `python -m benchmarks.busy_machine`.

Learns on some pairs of a generated graph with NCNC, on one thread and on two, on the machine as it is and beside one
busy program a core; with OpenMP's threads spinning while they wait, as they do by default, not at all, and a thousand
times, as `ncnc` has them. Each in a process of its own. CPU and wall seconds of the second of two epochs; the figures
are ratios to one thread in the same conditions. Three minutes of a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.training_cost import graph_data
from ncnc_core.recipes.automatic import automatic_config
from ncnc_core.training.run import TrainingRun
from ncnc_core.training.seeded import seeded

EDGES = 100_000
SIZES = {256: 2_000, 8_192: 16_384}  # pairs of a batch, and of an epoch
WAITS = {"by default": {}, "not at all": {"OMP_WAIT_POLICY": "PASSIVE"}, "1,000 times": {"GOMP_SPINCOUNT": "1000"}}
SET_HERE = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_NUM_THREADS")
BUSY = "while True: pass"


@dataclass(frozen=True)
class Epoch:
    """What an epoch took."""

    cpu_seconds: float
    wall_seconds: float


def measure(threads: int, batch: int, pairs: int, edges: int) -> Epoch:
    """Return the second epoch's cost; meant for a process of its own."""
    torch.set_num_threads(threads)
    data = graph_data(edges)
    found = automatic_config(data.adjacency())
    training = found.training.model_copy(update={"pairs_per_epoch": pairs, "batch_size": batch})
    with seeded(0, torch.device("cpu")):
        run = TrainingRun(found.model, training, data, "mrr", torch.device("cpu"), None)
        run.train_epoch(1)
        cpu, wall = time.process_time(), time.perf_counter()
        run.train_epoch(2)
    return Epoch(round(time.process_time() - cpu, 2), round(time.perf_counter() - wall, 2))


def measured_apart(threads: int, batch: int, edges: int, *, wait: str, busy: int) -> Epoch:
    """Return an epoch's cost in a process of its own, beside so many busy programs."""
    environment = {name: value for name, value in os.environ.items() if name not in SET_HERE} | WAITS[wait]
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(busy)]
    try:
        argv = [sys.executable, "-m", "benchmarks.busy_machine", "--one", str(threads), str(batch), str(edges)]
        done = subprocess.run(argv, env=environment, check=True, capture_output=True, text=True)
    finally:
        for one in others:
            one.kill()
            one.wait()
    return Epoch(**json.loads(done.stdout))


def main(arguments: list[str] | None = None) -> int:
    """Measure each combination and print a table; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.busy_machine", description=__doc__)
    parser.add_argument("--edges", type=int, default=EDGES)
    parser.add_argument("--batches", type=int, nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--one", type=int, nargs=3, metavar=("THREADS", "BATCH", "EDGES"), help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.one:
        threads, batch, edges = asked.one
        print(json.dumps(vars(measure(threads, batch, SIZES[batch], edges))))
        return 0
    cores = len(os.sched_getaffinity(0))
    heads = (
        "batch",
        "busy programs",
        "threads",
        "spins",
        "CPU s",
        "wall s",
        "CPU, times one thread's",
        "faster than one",
    )
    table = Table(*heads)
    for batch in asked.batches:
        for busy in (0, cores):
            one = measured_apart(1, batch, asked.edges, wait="not at all", busy=busy)
            table.add_row(f"{batch:,}", str(busy), "1", "", str(one.cpu_seconds), str(one.wall_seconds), "1.0", "1.0")
            for wait in WAITS:
                two = measured_apart(2, batch, asked.edges, wait=wait, busy=busy)
                ratios = two.cpu_seconds / one.cpu_seconds, one.wall_seconds / two.wall_seconds
                seconds = str(two.cpu_seconds), str(two.wall_seconds)
                table.add_row(f"{batch:,}", str(busy), "2", wait, *seconds, *(f"{ratio:.1f}" for ratio in ratios))
    console = Console()
    console.width = max(console.width, 120)
    console.print(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
