"""What a second process is worth beside a second thread: `python -m benchmarks.processes [--edges N ...]`.

A generated graph without features, and the automatic recipe: one process with a thread, one with two threads, and two
processes with a thread each, which share the graph. Wall seconds of the second of two epochs and of scoring the
validation sample, and how much faster that is than one thread; the memory of all processes, each page counted once
(PSS), and what a step exchanges. Two minutes at 100,000 edges, ten at a million, on a quiet machine: on a busy one the
ratios say nothing.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import psutil
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.training_cost import graph_data
from ncnc_core.recipes.automatic import automatic_config
from ncnc_core.training.data import TrainingData
from ncnc_core.training.ranks import Ranks
from ncnc_core.training.run import TrainingRun
from ncnc_core.training.seeded import seeded
from ncnc_core.training.validation import validation_scores
from pipeline.params.params import ResourceParams
from pipeline.training.processes import bytes_of, in_processes

EDGES = 100_000
WAYS = (
    ResourceParams(processes=1, threads=1),
    ResourceParams(processes=1, threads=2),
    ResourceParams(processes=2, threads=1),
)


@dataclass(frozen=True)
class Cost:
    """What one way of training takes."""

    predictor: str
    train_seconds: float
    valid_seconds: float
    gib: float
    exchanged_kib: float


def measure(data: TrainingData) -> Cost:
    """Return the second epoch's cost, as the first of the processes that do this sees it."""
    found, ranks = automatic_config(data.adjacency()), Ranks.here()
    with seeded(0, torch.device("cpu")):
        run = TrainingRun(found.model, found.training, data, "mrr", torch.device("cpu"), None)
        run.train_epoch(1)
        ranks.wait()
        started = time.perf_counter()
        run.train_epoch(2)
        trained = time.perf_counter()
        validation_scores(run.network, run.valid.data, run.adjacency)
        scored = time.perf_counter()
    resident = torch.tensor([psutil.Process().memory_full_info().pss / 2**30])
    gib = float(ranks.add_up([], resident[0]))
    ranks.wait()
    exchanged = sum(one.numel() * 4 for one in run.network.parameters()) / 2**10 if ranks.size > 1 else 0.0
    return Cost(found.model.predictor, trained - started, scored - trained, gib, exchanged)


def main(arguments: list[str] | None = None) -> int:
    """Measure each way on each graph and print a table; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.processes", description=__doc__)
    parser.add_argument("--edges", type=int, nargs="+", default=[EDGES])
    heads = "edges", "model", "processes", "threads", "training, s", "validation, s", "faster", "GiB", "exchanged, KiB"
    table = Table(*heads)
    for edges in parser.parse_args(arguments).edges:
        data = graph_data(edges)
        costs = [in_processes(measure, data, resources=way, shared_bytes=bytes_of(data)) for way in WAYS]
        for way, cost in zip(WAYS, costs, strict=True):
            faster = costs[0].train_seconds / cost.train_seconds, costs[0].valid_seconds / cost.valid_seconds
            table.add_row(
                f"{data.train_edges.shape[1]:,}",
                cost.predictor,
                str(way.processes),
                str(way.threads),
                f"{cost.train_seconds:.2f}",
                f"{cost.valid_seconds:.2f}",
                " and ".join(f"{ratio:.2f}" for ratio in faster),
                f"{cost.gib:.2f}",
                f"{cost.exchanged_kib:.0f}",
            )
    console = Console()
    console.width = max(console.width, 120)
    console.print(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
