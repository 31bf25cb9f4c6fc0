"""What the training of temporal_ncn costs beside what is said of it before: `python -m benchmarks.temporal_cost`.

For each number of edges a generated graph with times (`whole_night.generated_table`), the latest tenth for validation,
50 negatives to each; the automatic recipe, trained to its end in a process of its own, on one thread. One JSON line a
graph: edges before the cut, pairs trained on and scored, CPU seconds, and the estimate of both.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections import deque
from typing import Any

import torch

from benchmarks.whole_night import generated_table
from ncnc_core.config.choices import USUAL_NEGATIVES
from ncnc_core.graph.event_history import EventHistory
from ncnc_core.recipes.automatic import automatic_config
from ncnc_core.splits.evaluation_negatives import evaluation_negatives
from ncnc_core.splits.temporal_cuts import cut_by_fraction
from ncnc_core.training.data import TemporalData, TrainingData
from ncnc_core.training.seeded import seeded
from ncnc_core.training.temporal_run import TemporalRun
from ncnc_core.training.work import WorkDone

NEGATIVES = 50


def graph_data(edges: int) -> TrainingData:
    """Return a generated graph whose latest tenth of edges validates."""
    table, nodes = generated_table(edges, dated=True), edges // 10
    source, target, times = (torch.tensor(table[name].to_numpy()) for name in ("source", "target", "time"))
    history = EventHistory.of_events(torch.stack([source, target]), times, nodes)
    cut, end = cut_by_fraction(history.arrivals, 0.1), history.latest
    if cut is None:
        raise SystemExit(f"--edges {edges} are too few to set a tenth apart. Give some thousands.")
    valid, generator = history.fresh(cut, end), torch.Generator().manual_seed(0)
    graph = history.graph_at(cut)
    asked = {"kinds": USUAL_NEGATIVES, "adjacency": graph, "among": history.seen_nodes(end)}
    return TrainingData(
        num_nodes=nodes,
        features=None,
        train_edges=graph.edges(),
        forbidden_keys=history.keys_until(cut),
        valid_edges=valid,
        valid_negatives=evaluation_negatives(valid, NEGATIVES, history.keys_until(end), generator, **asked),
        times=TemporalData(history, cut, end),
    )


def measure(edges: int) -> dict[str, Any]:
    """Train on one graph and return what it cost; meant for a process of its own."""
    torch.set_num_threads(1)
    data = graph_data(edges)
    if data.times is None:
        raise TypeError("temporal_ncn learns from times")
    graph = data.times.history.graph_at(data.times.cut_train)
    found, done = automatic_config(graph, window=data.times.window), deque[WorkDone](maxlen=1)
    started = time.process_time()
    with seeded(0, torch.device("cpu")):
        run = TemporalRun(found.model, found.training, data, "mrr", torch.device("cpu"), None, tell=done.append)
        while not run.progress.finished:
            run.epoch()
    return {
        "edges": graph.num_edges,
        "pairs": done[-1].done,
        "estimated_pairs": found.estimate.trained + found.estimate.scored,
        "cpu_seconds": round(time.process_time() - started, 1),
        "estimated_seconds": round(found.estimate.seconds, 1),
        "peak_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure each graph in a process of its own, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.temporal_cost", description=__doc__)
    parser.add_argument("--edges", type=int, nargs="+", default=[30_000, 100_000, 1_000_000])
    parser.add_argument("--one", action="store_true", help="measure the first graph in this very process")
    asked = parser.parse_args(arguments)
    if asked.one:
        print(json.dumps(measure(asked.edges[0])), flush=True)
        return 0
    for edges in asked.edges:
        argv = [sys.executable, "-m", "benchmarks.temporal_cost", "--one", "--edges", str(edges)]
        subprocess.run(argv, check=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
