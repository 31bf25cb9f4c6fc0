"""How well samples do beside the whole graph: `python -m benchmarks.sampled_quality --data cora --seeds 3`.

Trains the same model on whole neighbourhoods and on samples, the same pairs for the same number of steps, and scores
the same held-out edges and as many uniform negatives both ways. Prints one JSON line a training. No test edge chooses
anything: the epoch kept is the one that validates best, measured the way it was trained.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from benchmarks.datasets import load
from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.evaluation.ranking import hits_at_k_shared, roc_auc
from ncnc_core.graph.adjacency import pair_keys
from ncnc_core.networks.scoring import node_levels, score_pairs
from ncnc_core.sampling.batch_sampler import BatchSampler
from ncnc_core.sampling.scoring import score_pairs_sampled
from ncnc_core.splits.negatives import uniform_pairs
from ncnc_core.training.data import TrainingData
from ncnc_core.training.trained_network import TrainedNetwork, train_network

HITS_AT = 100


@dataclass(frozen=True)
class Plan:
    """How one data set is trained on: a share of edges for validation and for test, the pairs of each epoch."""

    model: ModelConfig
    training: TrainingConfig
    valid: float
    test: float
    samples: tuple[tuple[int, int | None], ...]  # fan-out and overlap limit, besides the exact mode


PLANS = {
    "cora": Plan(
        ModelConfig(predictor="ncn", hidden_channels=128, feature_dropout=0.5, predictor_dropout=0.05),
        TrainingConfig(epochs=40, batch_size=1152, patience=40),
        0.1,
        0.2,
        ((2, None), (5, None), (10, 10)),
    ),
    "ego_twitter": Plan(
        ModelConfig(predictor="ncn", hidden_channels=64),
        TrainingConfig(epochs=4, batch_size=2048, pairs_per_epoch=50_000, encoder_learning_rate=0.003),
        0.005,
        0.02,
        ((5, 16), (10, 64)),
    ),
}


def split(name: str, plan: Plan, seed: int) -> tuple[TrainingData, Tensor, Tensor]:
    """Return the training data, and the test edges and negatives; negatives are no edges of the full graph."""
    data = load(name)
    generator = torch.Generator().manual_seed(seed)
    edges = data.edge_index[:, torch.randperm(data.edge_index.shape[1], generator=generator)]
    counts = [int(share * edges.shape[1]) for share in (plan.valid, plan.test)]
    valid, test, train = edges.split([*counts, edges.shape[1] - sum(counts)], dim=1)
    known = pair_keys(edges, data.num_nodes).sort().values
    negatives = uniform_pairs(valid.shape[1] + test.shape[1], known, data.num_nodes, generator)
    learned = TrainingData(
        num_nodes=data.num_nodes,
        features=data.x,
        train_edges=train,
        forbidden_keys=pair_keys(train, data.num_nodes).sort().values,
        valid_edges=valid,
        valid_negatives=negatives[:, : valid.shape[1]],
    )
    return learned, test, negatives[:, valid.shape[1] :]


def run(name: str, seed: int) -> list[dict[str, Any]]:
    """Train exactly and on each kind of sample, and grade all ways of scoring."""
    plan = PLANS[name]
    data, test, negatives = split(name, plan, seed)
    results = []
    for sample in (None, *plan.samples):
        changes: dict[str, Any] = {"seed": seed}
        if sample is not None:
            changes |= {"neighbor_fan_out": (sample[0],), "overlap_limit": sample[1]}
        started = time.process_time()
        trained = train_network(plan.model, plan.training.model_copy(update=changes), data, selection_metric="auc")
        seconds = time.process_time() - started
        graded = {
            "exact" if way is None else f"fan-out {way[0]}, overlap {way[1]}": grades(
                trained, data, test, negatives, way
            )
            for way in {None, sample}
        }
        trained_on = "exact" if sample is None else f"fan-out {sample[0]}, overlap {sample[1]}"
        results.append(
            {"data": name, "seed": seed, "trained": trained_on, "cpu_seconds": round(seconds, 1), "scored": graded}
        )
    return results


def grades(
    trained: TrainedNetwork, data: TrainingData, test: Tensor, negatives: Tensor, way: tuple[int, int | None] | None
) -> dict[str, float]:
    """Return hits@100 and AUC of the test edges against all negatives, scored exactly or on samples."""
    adjacency = data.adjacency()
    if way is None:
        levels = node_levels(trained.network, data.features, adjacency)
        scores = [score_pairs(trained.network, levels, adjacency, pairs) for pairs in (test, negatives)]
    else:
        sampler = BatchSampler(adjacency, (way[0],), way[1])
        scores = [score_pairs_sampled(trained.network, data.features, sampler, pairs) for pairs in (test, negatives)]
    return {
        f"hits@{HITS_AT}": round(hits_at_k_shared(*scores, HITS_AT), 4),
        "auc": round(roc_auc(*scores), 4),
    }


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for and print it; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sampled_quality", description=__doc__)
    parser.add_argument("--data", choices=list(PLANS), default="cora")
    parser.add_argument("--seeds", type=int, default=1, help="seeds 0 to N - 1")
    asked = parser.parse_args(arguments)
    for seed in range(asked.seeds):
        for result in run(asked.data, seed):
            print(json.dumps(result), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
