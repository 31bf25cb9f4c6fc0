"""What a served model costs when its graph grows by an edge: `python -m benchmarks.updated_graph [--edges N]`.

A generated graph with a heavy tail of degrees (see `large_graph.generated_edges`), random weights, one thread. For each
kind of model, `--rounds` times: `LinkModel.updated` with one random edge, and the first score of a pair at its end.
Beside it, in turn with it, the same done from the start: all edges sorted, every node encoded. The last column is the
largest difference of 2,000 logits between the two, half of them at an end of the edge. Then what a saved model costs to
load, and its first score. Prints a Markdown table of CPU milliseconds: the median, and the slowest round. Two minutes
at a million edges.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.large_graph import DRAWS_A_NODE, EDGES_A_NODE, generated_edges
from ncnc_core.config.model import ModelConfig
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.edge_times import EdgeTimes
from ncnc_core.link_model import LinkModel, Positions
from ncnc_core.networks.any_network import network_for_graph

FEATURES, HUB_SHARE, CHECKED = 64, 0.3, 2_000


@dataclass(frozen=True)
class Case:
    """One kind of model and graph, by what sets it apart."""

    name: str
    config: ModelConfig
    features: bool = False
    weights: bool = False
    text_ids: bool = False
    hub: bool = False

    def model(self, num_edges: int) -> LinkModel:
        """Return a model with random weights that serves a generated graph, its kernels loaded."""
        nodes = int(num_edges / EDGES_A_NODE)
        edges = self._edges(nodes)
        adjacency = Adjacency.from_edges(edges, nodes, times=self._times(edges))
        if self.weights:
            adjacency = Adjacency.from_edges(adjacency.edges(), nodes, torch.rand(adjacency.num_edges) + 0.5)
        torch.manual_seed(0)
        features = torch.randn(nodes, FEATURES) if self.features else None
        network = network_for_graph(self.config, features, nodes).eval()
        ids = [f"node {one}" for one in range(nodes)] if self.text_ids else list(range(nodes))
        return LinkModel(self.config, network, adjacency, features, ids)

    def _edges(self, nodes: int) -> Tensor:
        edges = generated_edges(nodes, DRAWS_A_NODE, np.random.default_rng(nodes))
        if not self.hub:
            return edges
        linked = torch.randperm(nodes - 1, generator=torch.Generator().manual_seed(0))[: int(nodes * HUB_SHARE)] + 1
        return torch.cat([edges, torch.stack([torch.zeros_like(linked), linked])], 1)

    def _times(self, edges: Tensor) -> EdgeTimes | None:
        if self.config.predictor != "temporal_ncn":
            return None
        time = torch.arange(edges.shape[1])
        return EdgeTimes(time, time, torch.ones_like(time), time)


CASES = (
    Case("NCN, no features", ModelConfig(predictor="ncn")),
    Case("NCN, 64 features", ModelConfig(predictor="ncn"), features=True),
    Case("NCNC, no features", ModelConfig(predictor="ncnc")),
    Case("NCNC, 64 features", ModelConfig(predictor="ncnc"), features=True),
    Case("NCNC, counts beside, text ids", ModelConfig(predictor="ncnc", pair_structure=True), text_ids=True),
    Case("NCNC, weights of edges", ModelConfig(predictor="ncnc", edge_weights=True), weights=True),
    Case("NCNC, a hub of three nodes of ten", ModelConfig(predictor="ncnc"), hub=True),
    Case("NCN, two layers of GCN", ModelConfig(predictor="ncn", encoder="gcn", num_layers=2), features=True),
    Case("temporal_ncn", ModelConfig(predictor="temporal_ncn")),
)


def updates(model: LinkModel, rounds: int) -> Iterator[tuple[Tensor, LinkModel, LinkModel, dict[str, float]]]:
    """Yield the edge, the updated model, the same from the start, and seconds, for one random edge after another."""
    scored(model, torch.tensor([[0], [1]]))
    generator = torch.Generator().manual_seed(1)
    for _ in range(rounds):
        edge = torch.randint(model.num_nodes, (2, 1), generator=generator)
        asked = torch.stack([edge[0], (edge[0] + 1) % model.num_nodes])
        when = [] if model.adjacency.times is None else [int(model.adjacency.times.arrivals[-1]) + 1]
        updated, seconds = timed(lambda edge=edge, when=when: model.updated(Positions(edge), time=when or None))
        _, first = timed(lambda updated=updated, asked=asked: scored(updated, asked))
        whole, sorting = timed(lambda updated=updated: from_the_start(updated))
        _, encoding = timed(lambda whole=whole, asked=asked: scored(whole, asked))
        took = {"updated": seconds, "first_score": first, "sorting": sorting, "encoding": encoding}
        yield edge, updated, whole, took


def from_the_start(model: LinkModel) -> LinkModel:
    """Return the model with its edges sorted anew, and nothing encoded."""
    graph = model.adjacency
    upper = graph.row < graph.column
    weight = None if graph.weight is None else graph.weight[upper]
    times = None if graph.times is None else graph.times.kept(upper)
    return replace(model, adjacency=Adjacency.from_edges(graph.edges(), graph.num_nodes, weight, times))


def timed(work: Callable[[], Any]) -> tuple[Any, float]:  # Any: what the work returns
    """Return what the work returns, and the CPU seconds that it took: other programs' turns do not count."""
    start = time.process_time()
    done = work()
    return done, time.process_time() - start


def scored(model: LinkModel, pairs: Tensor) -> Tensor:
    """Return the logits of pairs of positions."""
    return model.score_pairs(Positions(pairs))


def measure(case: Case, num_edges: int, rounds: int) -> dict[str, Any]:
    """Return the CPU milliseconds of each part, median and slowest, and the largest difference of two logits."""
    model = case.model(num_edges)
    pairs = torch.randint(model.num_nodes, (2, CHECKED), generator=torch.Generator().manual_seed(2))
    took: list[dict[str, float]] = []
    apart = 0.0
    for edge, updated, whole, seconds in updates(model, rounds + 1):
        took.append(seconds)
        pairs[0, ::2] = edge[0]  # half of the pairs where the graph has changed
        checked = pairs[:, pairs[0] != pairs[1]]
        apart = max(apart, float((scored(updated, checked) - scored(whole, checked)).abs().max()))
    both = [one["updated"] + one["first_score"] for one in took[1:]]  # the first round loads kernels
    found: dict[str, Any] = {name: 1000 * median(one[name] for one in took[1:]) for name in took[0]}
    return found | {"both": 1000 * median(both), "slowest": 1000 * max(both), "apart": apart, "case": case.name}


def loading(model: LinkModel, rounds: int) -> dict[str, float]:
    """Return the CPU milliseconds of loading a saved model, and of its first score."""
    asked = torch.tensor([[0], [1]])
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder))
        took = []
        for _ in range(rounds + 1):
            loaded, load = timed(lambda: LinkModel.load(folder))
            took.append((load, timed(lambda loaded=loaded: scored(loaded, asked))[1]))
    load, first = (1000 * median(one) for one in zip(*took[1:], strict=True))
    return {"load": load, "first_score": first}


def table(found: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| model | updated | first score | both | slowest | from the start: sorting | encoding, first score | apart |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    names = ("updated", "first_score", "both", "slowest", "sorting", "encoding")
    lines += [
        f"| {one['case']} | {' | '.join(f'{one[name]:.0f}' for name in names)} | {one['apart']:.0e} |" for one in found
    ]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Measure all cases, and loading; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.updated_graph", description=__doc__)
    parser.add_argument("--edges", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    cases = [case for case in CASES if asked.only in case.name]
    print(table([measure(case, asked.edges, asked.rounds) for case in cases]))
    load = loading(cases[0].model(asked.edges), min(asked.rounds, 5))
    print(f"\n{cases[0].name}: load {load['load']:.0f} ms, first score {load['first_score']:.0f} ms")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
