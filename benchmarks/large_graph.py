"""What the sampled mode costs a pair on a large graph, and on one a tenth its size: `python -m benchmarks.large_graph`.

Trains on pairs_per_epoch positives with one negative each, scores as many pairs, in a process of its own for each
graph, and prints one JSON line a graph with CPU seconds (one thread) and the largest resident memory, then the ratios.
Takes minutes and, on the large graph, several GiB.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.graph.adjacency import Adjacency, pair_keys
from ncnc_core.sampling.batch_sampler import BatchSampler
from ncnc_core.sampling.scoring import score_pairs_sampled
from ncnc_core.splits.negatives import uniform_pairs
from ncnc_core.training.data import TrainingData
from ncnc_core.training.run import TrainingRun

NODES = (300_000, 3_000_000)
DRAWS_A_NODE, EDGES_A_NODE = 12.3, 10.05  # some draws are repeats
FEATURES = 64
FAN_OUT, OVERLAP_LIMIT = (10,), 64
VALIDATION = 2_000
MODELS = {
    "ncn": ModelConfig(predictor="ncn", hidden_channels=64),
    "ncnc": ModelConfig(predictor="ncnc", hidden_channels=64, completion_max_neighbors=4),
}


def generated_edges(num_nodes: int, draws_a_node: float, rng: np.random.Generator) -> Tensor:
    """Draw edges with repeats, [2, draws]: a bounded Pareto of degrees, four of five edges to a node nearby.

    The distribution of degrees (from a third of the mean to 2000) and of distances does not depend on the size.
    """
    low, high, tail = draws_a_node / 3, 2000.0, 1.5
    degree = low * (1 - rng.random(num_nodes) * (1 - (low / high) ** tail)) ** (-1 / tail)
    count = np.floor(degree + rng.random(num_nodes)).astype(np.int64)
    source = np.repeat(np.arange(num_nodes), count)
    step = np.ceil(rng.exponential(25.0, source.size)).astype(np.int64)
    step[rng.random(source.size) < 0.5] *= -1
    is_far = rng.random(source.size) < 0.2
    step[is_far] = rng.integers(1, num_nodes, is_far.sum())
    return torch.from_numpy(np.stack([source, (source + step) % num_nodes]))


def generated_data(num_nodes: int) -> TrainingData:
    """Return a graph whose features say a little about where a node is, with some edges held out for validation."""
    rng = np.random.default_rng(num_nodes)
    edges = Adjacency.from_edges(generated_edges(num_nodes, DRAWS_A_NODE, rng), num_nodes).edges()
    generator = torch.Generator().manual_seed(0)
    held_out = torch.zeros(edges.shape[1], dtype=torch.bool)
    held_out[torch.randint(edges.shape[1], (VALIDATION,), generator=generator)] = True
    valid = edges[:, held_out]
    features = torch.randn(num_nodes, FEATURES, generator=generator)
    place = torch.arange(num_nodes, dtype=torch.float64)
    for column in range(FEATURES // 2):  # waves of 100 to 10,000 nodes' length
        features[:, column] += torch.sin(place * (2 * np.pi / 100 / 10 ** (column / (FEATURES // 4)))).float()
    return TrainingData(
        num_nodes=num_nodes,
        features=features,
        train_edges=edges[:, ~held_out],
        forbidden_keys=pair_keys(valid, num_nodes).sort().values,
        valid_edges=valid,
        valid_negatives=torch.randint(num_nodes, (2, valid.shape[1]), generator=generator),
    )


def measure(num_nodes: int, model: str, pairs: int) -> dict[str, Any]:
    """Train and score on one generated graph, and return what it cost; meant for a process of its own."""
    torch.set_num_threads(1)
    clock = _Clock()
    data = generated_data(num_nodes)
    clock.lap("generate")
    training = TrainingConfig(
        epochs=2, batch_size=1024, pairs_per_epoch=pairs, neighbor_fan_out=FAN_OUT, overlap_limit=OVERLAP_LIMIT
    )
    run = TrainingRun(MODELS[model], training, data, "auc", torch.device("cpu"), None)
    clock.lap("set_up")
    _compile_kernels(run)
    clock.lap("compile")
    result = run.epoch()
    clock.lap("train")
    wanted = _pairs_to_score(data, pairs)
    sampler = BatchSampler(run.adjacency, FAN_OUT, OVERLAP_LIMIT)
    clock.lap("prepare_scoring")
    scores = score_pairs_sampled(run.network, run.data.features, sampler, wanted)
    clock.lap("score")
    return {
        "nodes": num_nodes,
        "edges": run.adjacency.num_edges,
        "model": model,
        "pairs": pairs,
        "seconds": {name: round(value, 2) for name, value in clock.seconds.items()},
        "valid_auc": round(result.metrics["auc"], 4),
        "mean_score": round(float(scores.mean()), 4),
        "peak_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }


def _compile_kernels(run: TrainingRun) -> None:
    """Score a few pairs, so that the first batch does not pay for compiling or loading the kernels."""
    sampler = BatchSampler(run.adjacency, FAN_OUT, OVERLAP_LIMIT, generator=torch.Generator().manual_seed(0))
    score_pairs_sampled(run.network, run.data.features, sampler, run.data.valid_edges[:, :8])
    sampler.draw(run.network.train(), run.data.features, run.data.valid_edges[:, :8], run.data.train_edges[:, :8])


def _pairs_to_score(data: TrainingData, count: int) -> Tensor:
    """Return half edges and half random pairs."""
    generator = torch.Generator().manual_seed(1)
    edges = data.train_edges[:, torch.randint(data.train_edges.shape[1], (count // 2,), generator=generator)]
    others = uniform_pairs(count - count // 2, data.forbidden_keys, data.num_nodes, generator)
    return torch.cat([edges, others], 1)


class _Clock:
    """CPU seconds of this process by part."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.process_time()

    def lap(self, name: str) -> None:
        """Note the seconds since the last lap under a name."""
        now = time.process_time()
        self.seconds[name] = now - self._last
        self._last = now


def main(arguments: list[str] | None = None) -> int:
    """Measure the graphs, each in a process of its own, and print the ratios; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large_graph", description=__doc__)
    parser.add_argument("--model", choices=list(MODELS), default="ncn")
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--nodes", type=int, nargs="+", default=list(NODES))
    parser.add_argument("--one", action="store_true", help="measure the first graph in this very process")
    asked = parser.parse_args(arguments)
    if asked.one:
        print(json.dumps(measure(asked.nodes[0], asked.model, asked.pairs)), flush=True)
        return 0
    found = []
    for nodes in asked.nodes:
        options = ["--one", "--nodes", str(nodes), "--model", asked.model, "--pairs", str(asked.pairs)]
        child = subprocess.run(
            [sys.executable, "-m", "benchmarks.large_graph", *options], check=True, stdout=subprocess.PIPE, text=True
        )
        print(child.stdout, end="", flush=True)
        found.append(json.loads(child.stdout))
    ratios = {part: round(found[-1]["seconds"][part] / found[0]["seconds"][part], 2) for part in ("train", "score")}
    print(json.dumps({"model": asked.model, "pairs": asked.pairs, "large_over_small": ratios}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
