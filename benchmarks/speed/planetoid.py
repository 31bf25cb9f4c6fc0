"""Cora and CiteSeer: an epoch of NCNC and its evaluation at the published recipe, ours and the plain way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from benchmarks.datasets import MissingData, load
from benchmarks.speed.needed_work import evaluation_work, training_work
from benchmarks.speed.plain_ncnc import PlainGraph, PlainNCNC
from benchmarks.speed.stopwatch import Seconds, matmul_rate, quickest
from ncnc_core.graph.adjacency import pair_keys
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.scoring import node_levels, score_pairs
from ncnc_core.recipes.recipe import Recipe, recipe
from ncnc_core.splits.negatives import uniform_pairs
from ncnc_core.training.batches import epoch_batches
from ncnc_core.training.data import TrainingData
from ncnc_core.training.run import TrainingRun

# The published implementation on a quiet 2-core CPU: seconds of a training epoch, and of the evaluation after it.
PUBLISHED = {"cora": (1.25, 0.8)}
ROUNDS = 5


@dataclass(frozen=True)
class Setting:
    """A data set divided as the protocol divides it, and the recipe; whole batches only, as the figures published."""

    data: TrainingData
    evaluated: Tensor  # [2, pairs]: training edges, validation and test, each with its negatives, as published
    tuned: Recipe

    @classmethod
    def of(cls, name: str) -> Setting:
        """Divide 70/10/20, with as many negatives as the protocol has: twice the validation edges, once the test's."""
        graph, tuned = load(name), recipe(name)
        generator = torch.Generator().manual_seed(0)
        edges = graph.edge_index[:, torch.randperm(graph.edge_index.shape[1], generator=generator)]
        count = edges.shape[1]
        train, valid, test = edges.split([count - count // 10 - count // 5, count // 10, count // 5], dim=1)
        keys = pair_keys(edges, graph.num_nodes).unique()
        negatives = uniform_pairs(2 * valid.shape[1] + test.shape[1], keys, graph.num_nodes, generator)
        data = TrainingData(
            num_nodes=graph.num_nodes,
            features=graph.x,
            train_edges=train,
            forbidden_keys=pair_keys(train, graph.num_nodes).unique(),
            valid_edges=valid,
            valid_negatives=negatives[:, : 2 * valid.shape[1]],
        )
        training = tuned.training.model_copy(update={"drop_last_as_published": True})
        return cls(data, torch.cat([edges, negatives], 1), Recipe(tuned.model, training))

    def run(self) -> TrainingRun:
        """Return a training before its first epoch."""
        torch.manual_seed(0)
        return TrainingRun(self.tuned.model, self.tuned.training, self.data, "auc", torch.device("cpu"), None)


def epoch(name: str) -> dict[str, float]:
    """Train epochs our way and the plain way, from the same weights."""
    setting = Setting.of(name)
    run = setting.run()
    plain = PlainNCNC(run.network)
    rates = setting.tuned.training
    optimizer = plain.optimizer(rates.encoder_learning_rate, rates.predictor_learning_rate)
    difference = _largest_difference(setting, run.network, plain)
    ours = quickest(lambda: run.train_epoch(1), rounds=ROUNDS)
    theirs = quickest(lambda: _plain_epoch(plain, setting, optimizer), rounds=ROUNDS)
    work = training_work(setting.data, setting.tuned, run.adjacency)
    return _figures(ours, theirs, work, PUBLISHED.get(name, (None, None))[0], setting) | {
        "largest_logit_difference": difference
    }


def evaluation(name: str) -> dict[str, float]:
    """Score the training, validation and test pairs on the training graph."""
    setting = Setting.of(name)
    run = setting.run()
    plain = PlainNCNC(run.network)
    pairs, features = setting.evaluated, run.data.features

    def score() -> Tensor:
        return score_pairs(run.network, node_levels(run.network, features, run.adjacency), run.adjacency, pairs)

    ours = quickest(score, rounds=ROUNDS)
    theirs = quickest(lambda: _plain_scores(plain, setting), rounds=ROUNDS)
    work = evaluation_work(setting.data, setting.tuned, run.adjacency, pairs)
    return _figures(ours, theirs, work, PUBLISHED.get(name, (None, None))[1], setting) | {
        "largest_logit_difference": _largest_difference(setting, run.network, plain)
    }


def _plain_epoch(plain: PlainNCNC, setting: Setting, optimizer: torch.optim.Optimizer) -> None:
    """Take the steps of an epoch on random batches; only the order of the edges is ours."""
    plain.network.train()
    data, training = setting.data, setting.tuned.training
    order = torch.randperm(data.train_edges.shape[1])
    batches = epoch_batches(data, training, data.never_negative(), torch.Generator().manual_seed(0))
    for batch, (_, negatives) in zip(order.split(training.batch_size), batches, strict=False):
        plain.train_step(features_of(data), data.train_edges, batch, negatives, optimizer)


def _plain_scores(plain: PlainNCNC, setting: Setting) -> Tensor:
    plain.network.eval()
    graph = PlainGraph.of(setting.data.train_edges, setting.data.num_nodes)
    with torch.no_grad():
        return plain.logits(features_of(setting.data), graph, setting.evaluated)


def features_of(data: TrainingData) -> Tensor:
    """Return the features, dense; these data sets have some."""
    if data.features is None:
        raise MissingData("The data set has no features. Cora and CiteSeer have: read them with benchmarks.datasets.")
    return data.features


def _largest_difference(setting: Setting, network: LinkNetwork, plain: PlainNCNC) -> float:
    """Return by how much a logit differs at the most, over the pairs that are no edges of the graph.

    A pair that is an edge completes itself through the inner pair (j, j) in the published code; ours has that as a
    switch, off by default.
    """
    pairs = setting.evaluated[:, setting.data.train_edges.shape[1] :]
    adjacency = setting.data.adjacency()
    ours = score_pairs(network, node_levels(network, setting.data.features, adjacency), adjacency, pairs)
    theirs = _plain_scores(plain, setting)[setting.data.train_edges.shape[1] :]
    return float((ours - theirs).abs().max())


def _figures(ours: Seconds, plain: Seconds, work: float, published: float | None, setting: Setting) -> dict[str, float]:
    rate = matmul_rate(2 * setting.tuned.training.batch_size, setting.tuned.model.hidden_channels)
    figures = {
        "seconds": ours.wall,
        "cpu_seconds": ours.cpu,
        "plain_seconds": plain.wall,
        "plain_cpu_seconds": plain.cpu,
        "times_as_fast_as_plain": plain.wall / ours.wall,
        "threads": torch.get_num_threads(),
        "floor_seconds": work / rate,
        "matmul_gflops": rate / 1e9,
    }
    if published is not None:
        figures |= {"published_seconds": published, "times_as_fast_as_published": published / ours.wall}
    return figures


CASES: dict[str, Callable[[], dict[str, float]]] = {
    f"{name}_{part.__name__}": partial(part, name) for name in ("cora", "citeseer") for part in (epoch, evaluation)
}
