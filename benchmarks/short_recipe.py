"""What a bounded budget of pairs costs in quality: `python -m benchmarks.short_recipe [--data facebook --seeds 3]`.

On graphs of about 100,000 edges, the model that the automatic recipe takes for a million (NCN) is trained three ways:
on each edge twice, in as many steps and validations as a graph of a million edges has; on two million edges, the budget
of this size; and on each edge sixty times, with all validation edges measured after each pass. A tenth of the edges
validates and a tenth is tested, 50 negatives each, half of them uniform and half degree-matched. One JSON line a
training with test MRR and CPU seconds, on one thread.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import torch
from torch import Tensor

from benchmarks.datasets import load
from benchmarks.whole_night import generated_table
from ncnc_core.config.training import TrainingConfig
from ncnc_core.evaluation.ranking import reciprocal_ranks
from ncnc_core.graph.adjacency import Adjacency, pair_keys
from ncnc_core.networks.scoring import node_levels, score_pairs
from ncnc_core.recipes.automatic import automatic_config
from ncnc_core.recipes.training_budget import LARGE_BATCH, ROUND, UPDATES, training_budget
from ncnc_core.splits.evaluation_negatives import evaluation_negatives
from ncnc_core.training.data import TrainingData
from ncnc_core.training.trained_network import train_network

LARGE = 1_000_000  # the graph whose recipe is tried
NEGATIVES, LONG = 50, 60
WAYS = ("two passes", "two million", "long")


def edges_of(name: str, count: int) -> tuple[Tensor, int]:
    """Return each edge of a data set, or of a generated graph of so many, once, and the number of nodes."""
    if name == "generated":
        table = generated_table(count, dated=False)
        pairs = torch.stack([torch.tensor(table[end].to_numpy()) for end in ("source", "target")])
        return Adjacency.from_edges(pairs, count // 10).edges(), count // 10
    data = load(name)
    return Adjacency.from_edges(data.edge_index, data.num_nodes).edges(), data.num_nodes


def divided(edges: Tensor, nodes: int, seed: int) -> tuple[TrainingData, Tensor, Tensor]:
    """Return what is trained and validated on, the test edges, and their negatives."""
    generator, tenth = torch.Generator().manual_seed(seed), edges.shape[1] // 10
    edges = edges[:, torch.randperm(edges.shape[1], generator=generator)]
    valid, test, train = edges.split([tenth, tenth, edges.shape[1] - 2 * tenth], dim=1)
    known, graph = pair_keys(edges, nodes).sort().values, Adjacency.from_edges(train, nodes)
    negatives = [
        evaluation_negatives(
            side, NEGATIVES, known, generator, kinds=("uniform", "degree_matched"), adjacency=graph, seed=seed
        )
        for side in (valid, test)
    ]
    data = TrainingData(
        num_nodes=nodes,
        features=None,
        train_edges=train,
        forbidden_keys=pair_keys(train, nodes).sort().values,
        valid_edges=valid,
        valid_negatives=negatives[0],
    )
    return data, test, negatives[1]


def training_of(way: str, edges: int, seed: int) -> TrainingConfig:
    """Return how a graph of so many training edges is trained."""
    bounded = training_budget(LARGE, [])
    changes: dict[str, dict[str, Any]] = {
        "two passes": {"pairs_per_epoch": -(-edges * ROUND // LARGE), "batch_size": -(-edges * LARGE_BATCH // LARGE)},
        "two million": {"pairs_per_epoch": None, "epochs": -(-UPDATES // edges)},
        "long": {"pairs_per_epoch": None, "epochs": LONG, "patience": LONG, "valid_pairs": None},
    }
    return TrainingConfig(**bounded | changes[way], seed=seed)


def run(edges: Tensor, nodes: int, way: str, seed: int) -> dict[str, Any]:
    """Train one way and return its figures."""
    data, test, negatives = divided(edges, nodes, seed)
    model = automatic_config(data.adjacency()).model.model_copy(update={"predictor": "ncn"})
    started = time.process_time()
    trained = train_network(model, training_of(way, data.train_edges.shape[1], seed), data, selection_metric="mrr")
    seconds, graph = time.process_time() - started, data.adjacency()
    levels = node_levels(trained.network, None, graph)
    positive, negative = (score_pairs(trained.network, levels, graph, pairs) for pairs in (test, negatives))
    mrr = float(reciprocal_ranks(positive, negative.view(-1, NEGATIVES)).mean())
    return {"way": way, "seed": seed, "mrr": round(mrr, 4), "cpu_seconds": round(seconds, 1)}


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for and print it; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.short_recipe", description=__doc__)
    parser.add_argument("--data", default="generated", help="generated, or a data set such as facebook")
    parser.add_argument("--edges", type=int, default=100_000, help="of the generated graph")
    parser.add_argument("--ways", choices=WAYS, nargs="+", default=list(WAYS))
    parser.add_argument("--seeds", type=int, default=3, help="seeds 0 to N - 1")
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    edges, nodes = edges_of(asked.data, asked.edges)
    for seed in range(asked.seeds):
        for way in asked.ways:
            print(json.dumps({"data": asked.data} | run(edges, nodes, way, seed)), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
