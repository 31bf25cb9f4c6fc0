"""ogbl-ddi, 500 neighbours a node: a training step of NCN, and NCNC's scores of all official test pairs.

The step is the published recipe's, 24,576 positives and as many negatives, with target link removal, backward pass and
optimiser. The scores are those of random weights: what is computed does not depend on them. The plain way is measured
on two small slices and extrapolated by the line through them; the published figures for NCNC are extrapolated too.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import softplus
from torch_geometric.data import Data

from benchmarks.datasets import load
from benchmarks.speed.plain_ncnc import PlainGraph, PlainNCNC
from benchmarks.speed.stopwatch import Seconds, matmul_rate, quickest, timed
from ncnc_core.config.model import PredictorName
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.dense_completion import missing_links
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.scoring import node_levels, score_pairs
from ncnc_core.recipes.recipe import Recipe, recipe
from ncnc_core.training.step import accumulate_gradients

# The published implementation on a quiet 2-core CPU: seconds and peak of memory in GB of a training batch of NCN.
PUBLISHED_NCN_SECONDS, PUBLISHED_NCN_PEAK_GB = 24.0, 3.7
PUBLISHED_NCNC_SECONDS_A_PAIR = 15.0 / 128  # 15 seconds for 64 positives and 64 negatives
STEP_SLICES = 128, 1024  # positives the plain way is measured on; as many negatives
SCORING_SLICES = 4, 16  # pairs: the plain way scores a thousand inner pairs for each
ROUNDS = 3


@dataclass(frozen=True)
class Setting:
    """The data set, its training graph, the recipe, and a network of random weights."""

    data: Data
    adjacency: Adjacency
    tuned: Recipe
    network: LinkNetwork

    @classmethod
    def of(cls, predictor: PredictorName) -> Setting:
        """Read the data set, and draw the weights."""
        data, tuned = load("ogbl_ddi"), recipe("ddi", predictor)
        torch.manual_seed(0)
        network = LinkNetwork(tuned.model, num_features=0, num_ids=data.num_nodes)
        return cls(data, Adjacency.from_edges(data.edge_index, data.num_nodes), tuned, network)

    def batch(self, count: int) -> tuple[Tensor, Tensor]:
        """Return which edges are the positives, [count], and the negatives, [2, count]."""
        chosen = torch.randperm(self.data.edge_index.shape[1])[:count]
        return chosen, torch.randint(self.data.num_nodes, (2, count))

    def head_work(self) -> float:
        """Return the operations of a pair's head, as the formula has them: no linear maps multiplied out."""
        last = self.tuned.model.neighbor_output_linear
        maps = (2 + last) + (1 + last) + (2 if self.tuned.model.two_layer_head else 1)
        return 2.0 * maps * self.tuned.model.hidden_channels**2

    def common_counts(self) -> Tensor:
        """Return the number of common neighbours of all pairs of nodes."""
        dense = torch.zeros(self.data.num_nodes, self.data.num_nodes)
        dense[self.adjacency.row, self.adjacency.column] = 1
        return dense @ dense


def ncn_batch() -> dict[str, float]:
    """Take training steps of the published size."""
    setting = Setting.of("ncn")
    training, network = setting.tuned.training, setting.network.train()
    plain = PlainNCNC(network)
    optimizer, plain_optimizer = (
        torch.optim.Adam(one.parameters(), lr=training.predictor_learning_rate) for one in (network, plain.network)
    )

    def step() -> None:
        chosen, negatives = setting.batch(training.batch_size)
        positives = setting.data.edge_index[:, chosen]
        optimizer.zero_grad(set_to_none=True)
        accumulate_gradients(network, None, setting.adjacency, positives, negatives, training)
        optimizer.step()

    ours, peak = quickest(step, rounds=ROUNDS), _peak_gb()
    slices = [quickest(partial(_plain_step, plain, setting, size, plain_optimizer), rounds=1) for size in STEP_SLICES]
    asked = setting.data.test_edges[:, : STEP_SLICES[0]]
    found = score_pairs(network, node_levels(network, None, setting.adjacency), setting.adjacency, asked)
    twin = PlainNCNC(network)  # the very weights, which the timed twin has gone away from
    difference = (found - _plain_scores(twin, setting, asked, depth=0)).abs().max()
    chosen, negatives = setting.batch(training.batch_size)
    pairs = torch.cat([setting.data.edge_index[:, chosen], negatives], 1)
    pooled = float(setting.common_counts()[pairs[0], pairs[1]].sum()) * setting.tuned.model.hidden_channels
    # A weight's backward pass costs twice its forward; a sum's, which has none, the same again.
    work = 3 * pairs.shape[1] * setting.head_work() + 2 * pooled
    return _figures(ours, _line(slices, STEP_SLICES, training.batch_size), work, PUBLISHED_NCN_SECONDS) | {
        "pairs": pairs.shape[1],
        "peak_gb": peak,
        "published_peak_gb": PUBLISHED_NCN_PEAK_GB,
        "largest_logit_difference": float(difference),
    }


def ncnc_scoring() -> dict[str, float]:
    """Score all official test pairs, once: more rounds would add nothing to half a minute's work."""
    setting = Setting.of("ncnc")
    network, adjacency, plain = setting.network.eval(), setting.adjacency, PlainNCNC(setting.network)
    pairs = torch.cat([setting.data.test_edges, setting.data.test_negatives], 1)

    def score(part: Tensor) -> Tensor:
        return score_pairs(network, node_levels(network, None, adjacency), adjacency, part)

    first = score(pairs[:, : SCORING_SLICES[1]])
    ours, peak = timed(lambda: score(pairs)), _peak_gb()
    slices = [quickest(partial(_plain_scores, plain, setting, pairs[:, :size]), rounds=1) for size in SCORING_SLICES]
    difference = (first - _plain_scores(plain, setting, pairs[:, : SCORING_SLICES[1]])).abs().max()
    inner = torch.cat(list(missing_links(adjacency, pairs, skip_other=True)), 1)
    common, channels = setting.common_counts(), setting.tuned.model.hidden_channels
    weighted = adjacency.degree[pairs].sum() - float(common[pairs[0], pairs[1]].sum())  # pooled, each with its weight
    work = (inner.shape[1] + pairs.shape[1]) * setting.head_work()
    work += (float(common[inner[0], inner[1]].sum()) + 2 * float(weighted)) * channels
    published = PUBLISHED_NCNC_SECONDS_A_PAIR * pairs.shape[1]
    return _figures(ours, _line(slices, SCORING_SLICES, pairs.shape[1]), work, published) | {
        "pairs": pairs.shape[1],
        "distinct_inner_pairs": inner.shape[1],
        "peak_gb": peak,
        "largest_logit_difference": float(difference),
    }


def _plain_step(plain: PlainNCNC, setting: Setting, size: int, optimizer: torch.optim.Optimizer) -> None:
    chosen, negatives = setting.batch(size)
    edges = setting.data.edge_index
    keep = torch.ones(edges.shape[1], dtype=torch.bool)
    keep[chosen] = False
    graph = PlainGraph.of(edges[:, keep], setting.data.num_nodes)
    plain.network.train()
    h = _plain_embeddings(plain, graph)
    positive, negative = (plain.score(h, graph, pairs, depth=0) for pairs in (edges[:, chosen], negatives))
    loss = softplus(-positive).mean() + softplus(negative).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def _plain_scores(plain: PlainNCNC, setting: Setting, pairs: Tensor, depth: int = 1) -> Tensor:
    plain.network.eval()
    with torch.no_grad():
        graph = PlainGraph.of(setting.data.edge_index, setting.data.num_nodes)
        return plain.score(_plain_embeddings(plain, graph), graph, pairs, depth=depth)


def _plain_embeddings(plain: PlainNCNC, graph: PlainGraph) -> Tensor:
    """Return x + A x, the recipe's one layer of puresum with a residual, by a sparse product, as published."""
    x: Tensor = plain.network.encoder.input(None, None, graph.num_nodes)
    size = graph.num_nodes, graph.num_nodes
    entries = torch.ones(graph.column.numel())
    total: Tensor = torch.sparse_csr_tensor(graph.start, graph.column, entries, size, check_invariants=False) @ x
    return x + total


def _line(slices: list[Seconds], sizes: tuple[int, int], size: int) -> Seconds:
    """Return the seconds at a larger size, on the line through two smaller ones."""
    small, large = slices
    times = (size - sizes[1]) / (sizes[1] - sizes[0])
    return Seconds(large.wall + times * (large.wall - small.wall), large.cpu + times * (large.cpu - small.cpu))


def _peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def _figures(ours: Seconds, plain: Seconds, work: float, published: float) -> dict[str, float]:
    rate = matmul_rate(8192, 224)
    return {
        "seconds": ours.wall,
        "cpu_seconds": ours.cpu,
        "plain_seconds": plain.wall,
        "plain_cpu_seconds": plain.cpu,
        "times_as_fast_as_plain": plain.wall / ours.wall,
        "published_seconds": published,
        "times_as_fast_as_published": published / ours.wall,
        "threads": torch.get_num_threads(),
        "floor_seconds": work / rate,
        "matmul_gflops": rate / 1e9,
    }


CASES: dict[str, Callable[[], dict[str, float]]] = {"ddi_ncn_batch": ncn_batch, "ddi_ncnc_scoring": ncnc_scoring}
