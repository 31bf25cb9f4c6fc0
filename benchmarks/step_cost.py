"""What learning costs and gains on a whole graph and on samples of it: `python -m benchmarks.step_cost [--edges N]`.

Graphs without times and features, as `whole_night` generates them. For each number of edges, in a process of its own on
one thread: the automatic model as it is (a learnable vector a node, steps over the whole graph), the same model that
reads degrees and the like instead, and that one on samples of neighbourhoods. All learn the same number of edges, in
batches as large as the recipe's, and rank the same validation edges among 50 negatives each, half of them uniform and
half degree-matched. One JSON line a training: CPU seconds per 100,000 edges learned and per million pairs scored, MRR
after each round, peak of memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any

import torch

from benchmarks.whole_night import generated_table
from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.graph.adjacency import Adjacency, pair_keys
from ncnc_core.recipes.automatic import automatic_config
from ncnc_core.splits.evaluation_negatives import evaluation_negatives
from ncnc_core.training.data import TrainingData
from ncnc_core.training.run import TrainingRun
from ncnc_core.training.seeded import seeded
from ncnc_core.training.validation import metrics_of, validation_scores
from pipeline.environment import set_switches

FAN_OUT, OVERLAP_LIMIT = 10, 64
NEGATIVES = 50
MODES = ("vectors", "degrees", "samples")


def graph_data(edges: int, *, held_out: int) -> TrainingData:
    """Return a generated graph of about so many edges with some of them held out, 50 negatives each."""
    table, generator = generated_table(edges, dated=False), torch.Generator().manual_seed(0)
    pairs = torch.stack([torch.tensor(table[name].to_numpy()) for name in ("source", "target")])
    nodes = edges // 10
    order = torch.randperm(pairs.shape[1], generator=generator)
    valid, train = pairs[:, order[:held_out]], pairs[:, order[held_out:]]
    return TrainingData(
        num_nodes=nodes,
        features=None,
        train_edges=train,
        forbidden_keys=pair_keys(train, nodes).sort().values,
        valid_edges=valid,
        valid_negatives=evaluation_negatives(
            valid,
            NEGATIVES,
            pair_keys(pairs, nodes).sort().values,
            generator,
            kinds=("uniform", "degree_matched"),
            adjacency=Adjacency.from_edges(train, nodes),
        ),
    )


def configured(data: TrainingData, mode: str, *, seed: int) -> tuple[ModelConfig, TrainingConfig]:
    """Return the automatic model and training of a graph, changed to what a mode learns."""
    found = automatic_config(data.adjacency(), seed=seed)
    model, training = found.model, found.training.model_copy(update={"neighbor_fan_out": None, "overlap_limit": None})
    model = model.model_copy(update={"node_embedding": "only" if mode == "vectors" else "off"})
    if mode == "samples":
        bounds = {"neighbor_fan_out": (FAN_OUT,) * model.num_layers, "overlap_limit": OVERLAP_LIMIT}
        training = training.model_copy(update={**bounds, "calibrate_completion": False})
    return model, training


def measure(edges: int, mode: str, *, rounds: int, each: int, seed: int, held_out: int) -> dict[str, Any]:
    """Train one mode on one graph and return its figures; meant for a process of its own."""
    torch.set_num_threads(1)
    data = graph_data(edges, held_out=held_out)
    model, training = configured(data, mode, seed=seed)
    training = training.model_copy(update={"pairs_per_epoch": each, "valid_pairs": None, "epochs": rounds})
    seconds, mrr = {"training": 0.0, "validation": 0.0}, []
    with seeded(seed, torch.device("cpu")):
        run = TrainingRun(model, training, data, "mrr", torch.device("cpu"), None)
        validation_scores(run.network, run.valid.data, run.adjacency, run.batch_sampler)  # compiles or loads kernels
        for number in range(1, rounds + 1):
            started = time.process_time()
            run.train_epoch(number)
            trained = time.process_time()
            scores = validation_scores(run.network, run.valid.data, run.adjacency, run.batch_sampler)
            seconds["training"] += trained - started
            seconds["validation"] += time.process_time() - trained
            mrr.append(round(metrics_of(*scores, "mrr", NEGATIVES)["mrr"], 4))
    scored = rounds * held_out * (1 + NEGATIVES)
    return {
        "edges": run.adjacency.num_edges,
        "mode": mode,
        "seed": seed,
        "predictor": model.predictor,
        "batch": training.batch_size,
        "edges_a_round": each,
        "mrr": mrr,
        "seconds_100k_edges": round(seconds["training"] / (rounds * each) * 1e5, 2),
        "seconds_million_scored": round(seconds["validation"] / scored * 1e6, 2),
        "peak_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure each mode on each graph, each in a process of its own, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.step_cost", description=__doc__)
    parser.add_argument("--edges", type=int, nargs="+", default=[1_000_000, 3_000_000, 10_000_000])
    parser.add_argument("--modes", choices=MODES, nargs="+", default=list(MODES))
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--each", type=int, default=250_000, help="edges learned a round")
    parser.add_argument("--held-out", type=int, default=2_000)
    parser.add_argument("--seeds", type=int, default=1, help="seeds 0 to N - 1")
    parser.add_argument("--one", action="store_true", help="measure the first of each in this very process")
    asked = parser.parse_args(arguments)
    options = {"rounds": asked.rounds, "each": asked.each, "held_out": asked.held_out}
    if asked.one:
        found = measure(asked.edges[0], asked.modes[0], seed=asked.seeds, **options)
        print(json.dumps(found), flush=True)
        return 0
    set_switches()  # as in a night: the processes to come ask for large pages
    given = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    for edges in asked.edges:
        for seed in range(asked.seeds):
            for mode in asked.modes:
                one = ["--one", "--edges", str(edges), "--modes", mode, "--seeds", str(seed), *given]
                subprocess.run([sys.executable, "-m", "benchmarks.step_cost", *one], check=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
