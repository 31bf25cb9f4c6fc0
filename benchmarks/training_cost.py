"""What the automatic recipe without times costs as a graph grows: `python -m benchmarks.training_cost [--edges N ...]`.

For each number of edges a generated graph with a heavy tail of degrees (see `large_graph.generated_edges`), no features
and 50 negatives to a validation edge; in a process of its own, on one thread. One JSON line a graph: CPU seconds of one
epoch's training, of scoring all validation edges and the sample that chooses the epoch, and of fitting the completion
on that sample, the work of its trials shared and one at a time. Then a line for 20,000 partners of a hub of 30,000
links, in chunks by what is held and, as before, by both degrees. Two CPU minutes at 100,000 edges, most of them for
what was done before, and ten times as many at a million.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks.large_graph import DRAWS_A_NODE, generated_edges
from ncnc_core.config.model import ModelConfig
from ncnc_core.graph.adjacency import Adjacency, pair_keys
from ncnc_core.graph.cost_chunks import cost_chunks
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.scoring import ENTRIES_AT_ONCE, node_levels, score_pairs
from ncnc_core.recipes.automatic import automatic_config
from ncnc_core.splits.negatives import corrupted_negatives
from ncnc_core.training import completion_calibration
from ncnc_core.training.completion_calibration import calibrate_completion
from ncnc_core.training.data import TrainingData
from ncnc_core.training.run import TrainingRun
from ncnc_core.training.seeded import seeded
from ncnc_core.training.validation import validation_scores

EDGES_A_NODE = 10.3
HUB, PARTNERS, HUB_NODES, HUB_EDGES = 30_000, 20_000, 100_000, 500_000


def graph_data(edges: int) -> TrainingData:
    """Return a generated graph with a tenth of its edges held out, 50 negatives each."""
    nodes = int(edges / EDGES_A_NODE)
    every = Adjacency.from_edges(generated_edges(nodes, DRAWS_A_NODE, np.random.default_rng(nodes)), nodes).edges()
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(every.shape[1], generator=generator)
    valid, train = every[:, order[: every.shape[1] // 10]], every[:, order[every.shape[1] // 10 :]]
    return TrainingData(
        num_nodes=nodes,
        features=None,
        train_edges=train,
        forbidden_keys=pair_keys(train, nodes).sort().values,
        valid_edges=valid,
        valid_negatives=corrupted_negatives(valid, 50, pair_keys(every, nodes), generator, num_nodes=nodes),
    )


def seconds_of(work: Callable[[], object]) -> float:
    """Return the CPU seconds of some work."""
    started = time.process_time()
    work()
    return round(time.process_time() - started, 2)


def measure(edges: int) -> dict[str, Any]:
    """Return the figures of one graph; meant for a process of its own."""
    torch.set_num_threads(1)
    data = graph_data(edges)
    found = automatic_config(data.adjacency())
    with seeded(0, torch.device("cpu")):
        run = TrainingRun(found.model, found.training, data, "mrr", torch.device("cpu"), None)
        validation_scores(run.network, run.valid.data, run.adjacency)  # compiles or loads the kernels
        training = seconds_of(lambda: run.train_epoch(1))
    asked = (run.network, run.data, run.adjacency, "mrr")
    figures = {
        "edges": data.train_edges.shape[1],
        "predictor": found.model.predictor,
        "epochs": found.training.epochs,
        "edges_an_epoch": found.training.pairs_per_epoch or data.train_edges.shape[1],
        "training": training,
        "validation_pairs": [run.valid.pairs, data.valid_edges.shape[1] * 51],
        "validation": [
            seconds_of(lambda one=one: validation_scores(run.network, one, run.adjacency))
            for one in (run.valid.data, run.data)
        ],
        "estimated_seconds": round(found.estimate.seconds),
    }
    if found.training.calibrate_completion:
        figures["calibration"] = seconds_of(lambda: calibrate_completion(*asked, sample=run.valid.data))
        completion_calibration.shares_inner_logits = lambda *_: False  # type: ignore[attr-defined]  # as before
        figures["calibration_one_at_a_time"] = seconds_of(lambda: calibrate_completion(*asked, sample=run.valid.data))
    return figures | {"peak_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)}


def measure_hub() -> dict[str, Any]:
    """Return CPU seconds of scoring partners of a hub, in chunks by what is held and by both degrees."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    partners = 1 + torch.randperm(HUB_NODES - 1, generator=generator)
    hub = torch.stack([torch.zeros(HUB, dtype=torch.int64), partners[:HUB]])
    others = torch.randint(HUB_NODES, (2, HUB_EDGES), generator=generator)
    graph = Adjacency.from_edges(torch.cat([hub, others], 1), HUB_NODES)
    pairs = torch.stack([torch.zeros(PARTNERS, dtype=torch.int64), partners[-PARTNERS:]])
    figures: dict[str, Any] = {"pairs_of_a_hub": PARTNERS}
    for name in ("ncn", "ncnc"):
        with seeded(0, torch.device("cpu")):
            network = LinkNetwork(ModelConfig.model_validate({"predictor": name}), num_features=0).eval()
        levels = node_levels(network, None, graph)
        score_pairs(network, levels, graph, pairs[:, :100])

        def by_degrees(network: LinkNetwork = network, levels: list[torch.Tensor] = levels) -> None:
            for part in cost_chunks(1 + graph.degree[pairs].sum(0), ENTRIES_AT_ONCE):
                score_pairs(network, levels, graph, pairs[:, part])

        now = seconds_of(lambda network=network, levels=levels: score_pairs(network, levels, graph, pairs))
        figures[name] = [now, seconds_of(by_degrees)]
    return figures


def main(arguments: list[str] | None = None) -> int:
    """Measure the graphs, each in a process of its own, and the hub; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training_cost", description=__doc__)
    parser.add_argument("--edges", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--one", action="store_true", help="measure the first graph in this very process")
    asked = parser.parse_args(arguments)
    if asked.one:
        print(json.dumps(measure(asked.edges[0])), flush=True)
        return 0
    for edges in asked.edges:
        argv = [sys.executable, "-m", "benchmarks.training_cost", "--one", "--edges", str(edges)]
        subprocess.run(argv, check=True)
    print(json.dumps(measure_hub()), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
