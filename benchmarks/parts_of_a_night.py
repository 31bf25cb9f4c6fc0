"""How long the parts of a night take: `python -m benchmarks.parts_of_a_night [--json FILE]`.

Prints a table and, where asked, writes JSON. Seconds are the least of three rounds on this machine as it is; the one
figure to compare across machines is the ratio of the overlap kernel to its plain twin, taken within one run.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.evaluation.heuristics import HEURISTICS
from ncnc_core.evaluation.ranking import rank_intervals
from ncnc_core.graph.adjacency import Adjacency, pair_keys
from ncnc_core.kernels.overlap_reference import common_neighbors_reference
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.scoring import node_levels, score_pairs
from ncnc_core.random_spatial_network import NetworkDay, RandomSpatialNetworkConfig, evolve
from ncnc_core.splits.negatives import corrupted_negatives, uniform_pairs
from ncnc_core.training.data import TrainingData
from ncnc_core.training.trained_network import train_network

ROUNDS = 3


def least_seconds(work: Callable[[], object]) -> float:
    """Return the shortest of a few rounds: the one the rest of the machine disturbed least."""
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def measure() -> dict[str, float]:
    """Return seconds by part, and the kernel's ratio to its twin."""
    generator = torch.Generator().manual_seed(0)
    day = next(evolve(RandomSpatialNetworkConfig()))
    edges, count = torch.from_numpy(day.edges), len(day.node_ids)
    adjacency, keys = Adjacency.from_edges(edges, count), pair_keys(edges, count).unique()
    pairs = uniform_pairs(100_000, keys, count, generator)
    neighbors = [set(row.tolist()) for row in adjacency.column.split(adjacency.degree.tolist())]
    listed = [(int(u), int(v)) for u, v in pairs.T]
    kernel = least_seconds(lambda: adjacency.common_neighbors(pairs))
    twin = least_seconds(lambda: common_neighbors_reference(neighbors, listed))
    positives = edges[:, torch.arange(20_000) % edges.shape[1]]
    positive, negative = torch.randn(5000, generator=generator), torch.randn(5000, 50, generator=generator)
    figures = {
        "overlap of 100,000 pairs": kernel,
        "overlap, plain twin": twin,
        "overlap, times faster than the twin": twin / kernel,
        "adamic-adar of 100,000 pairs": least_seconds(lambda: HEURISTICS["adamic_adar"](adjacency, pairs)),
        "intervals of 5,000 ranks": least_seconds(
            lambda: rank_intervals(positive, negative, pairs[:, :5000], confidence=0.95)
        ),
        "a day of 20,000 nodes": least_seconds(lambda: next(evolve(RandomSpatialNetworkConfig(num_nodes=20_000)))),
    }
    for kind in ("uniform", "degree_matched"):
        figures[f"1,000,000 {kind} negatives"] = least_seconds(
            lambda kind=kind: corrupted_negatives(
                positives, 50, keys, generator, num_nodes=count, kind=kind, degree=adjacency.degree
            )
        )
    return figures | model_figures(day, adjacency, pairs)


def model_figures(day: NetworkDay, adjacency: Adjacency, pairs: torch.Tensor) -> dict[str, float]:
    """Return seconds of an epoch and of a scoring on the demo's graph, for NCN and NCNC."""
    features, count = torch.from_numpy(day.features), len(day.node_ids)
    edges = adjacency.edges()
    keys = pair_keys(edges, count).unique()
    data = TrainingData(
        num_nodes=count,
        features=features,
        train_edges=edges[:, 100:],
        forbidden_keys=keys,
        valid_edges=edges[:, :100],
        valid_negatives=uniform_pairs(1000, keys, count, torch.Generator().manual_seed(1)),
    )
    figures = {}
    for name in ("ncn", "ncnc"):
        config = ModelConfig(predictor=name)
        recipe = TrainingConfig(epochs=1)
        figures[f"{name}: an epoch of {edges.shape[1]:,} edges"] = least_seconds(
            lambda config=config, recipe=recipe: train_network(config, recipe, data)
        )
        network = LinkNetwork(config, num_features=features.shape[1]).eval()
        levels = node_levels(network, features, adjacency)
        figures[f"{name}: 100,000 scores"] = least_seconds(
            lambda network=network, levels=levels: score_pairs(network, levels, adjacency, pairs)
        )
    return figures


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    asked = parser.parse_args()
    figures = measure()
    table = Table("part", "seconds (or ratio)", title=f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    for name, value in figures.items():
        table.add_row(name, f"{value:.3f}")
    Console().print(table)
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
