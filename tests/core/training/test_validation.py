from __future__ import annotations

from typing import Any

import pytest
import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation.ranking import average_precision, hits_at_k_shared, rank_metrics, roc_auc
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.sampled_adjacency import SampledAdjacency
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.scoring import node_levels, score_pairs
from ncnc_core.sampling.batch_sampler import BatchSampler
from ncnc_core.training.data import TrainingData
from ncnc_core.training.validation import metrics_of, require_selectable, validation_scores


def data(**changes: Any) -> TrainingData:
    """A ring of thirty nodes; three of its chords validate, against two negatives each."""
    nodes = torch.arange(30)
    edges = torch.stack([nodes, (nodes + 1) % 30])
    values: dict[str, Any] = {
        "num_nodes": 30,
        "features": None,
        "train_edges": edges,
        "forbidden_keys": torch.empty(0, dtype=torch.int64),
        "valid_edges": torch.tensor([[0, 5, 9], [2, 7, 11]]),
        "valid_negatives": torch.tensor([[0, 0, 5, 5, 9, 9], [9, 17, 20, 28, 0, 25]]),
    }
    return TrainingData(**{**values, **changes})


def scores(network: LinkNetwork, given: TrainingData) -> tuple[torch.Tensor, torch.Tensor]:
    adjacency = given.adjacency()
    levels = node_levels(network, given.features, adjacency)
    both = torch.cat([given.valid_edges, given.valid_negatives], 1)
    every = score_pairs(network, levels, adjacency, both)
    return every[: given.valid_edges.shape[1]], every[given.valid_edges.shape[1] :]


def validation_metrics(
    network: LinkNetwork, given: TrainingData, adjacency: Adjacency, metric: str, sampler: BatchSampler | None = None
) -> dict[str, float]:
    scores = validation_scores(network, given, adjacency, sampler)
    return metrics_of(*scores, metric, given.negatives_per_valid_edge)


@pytest.fixture
def network() -> LinkNetwork:
    torch.manual_seed(0)
    return LinkNetwork(ModelConfig(hidden_channels=8, predictor="ncn"), num_features=0)


def test_metrics_are_those_of_the_scores_in_evaluation_mode(network: LinkNetwork) -> None:
    given = data()
    positive, negative = scores(network, given)
    metrics = validation_metrics(network.train(), given, given.adjacency(), "mrr")
    assert network.training  # as it was found
    expected = rank_metrics(positive, negative.view(3, 2))
    assert metrics == pytest.approx({name: expected[name] for name in ("mrr", "auc", "average_precision")})


@pytest.mark.parametrize("k", [1, 4, 6])
def test_hits_share_all_validation_negatives(network: LinkNetwork, k: int) -> None:
    given = data()
    positive, negative = scores(network, given)
    metrics = validation_metrics(network, given, given.adjacency(), f"hits@{k}")
    assert metrics[f"hits@{k}"] == hits_at_k_shared(positive, negative, k)


def test_negatives_that_do_not_divide_evenly_have_no_mrr_but_everything_else(network: LinkNetwork) -> None:
    given = data(valid_negatives=data().valid_negatives[:, :5])
    positive, negative = scores(network, given)
    assert validation_metrics(network, given, given.adjacency(), "hits@2") == {
        "auc": roc_auc(positive, negative),
        "average_precision": average_precision(positive, negative),
        "hits@2": hits_at_k_shared(positive, negative, 2),
    }


@pytest.mark.parametrize("metric", ["mrr", "auc", "average_precision", "hits@1", "hits@6"])
def test_metrics_that_can_be_measured_are_accepted(metric: str) -> None:
    require_selectable(metric, data())


# what is asked for, of how many of the six negatives, and what the message says of it
@pytest.mark.parametrize(
    ("metric", "negatives", "message"),
    [
        ("hits@0", 6, r"'hits@0' is no selection metric\. Choose mrr, auc, average_precision, or hits@K"),
        ("hits", 6, r"'hits' is no selection metric"),
        ("loss", 6, r"'loss' is no selection metric"),
        ("hits@7", 6, r"hits@7 needs at least 7 validation negatives.*there are 6\. Sample more.*at most 6"),
        ("mrr", 5, r"each of the 3 validation edges.*there are 5\. Give k negatives for each, or select by auc"),
    ],
)
def test_metrics_that_cannot_be_measured_are_refused(metric: str, negatives: int, message: str) -> None:
    with pytest.raises(InvalidGraph, match=message):
        require_selectable(metric, data(valid_negatives=data().valid_negatives[:, :negatives]))


def test_network_trained_on_samples_is_measured_on_samples(network: LinkNetwork) -> None:
    adjacency = data().adjacency()
    exact = validation_metrics(network, data(), adjacency, "auc")
    whole = validation_metrics(network, data(), adjacency, "auc", BatchSampler(adjacency, (2,)))
    assert whole == pytest.approx(exact)
    seen: list[Any] = []
    handle = network.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[1]))
    validation_metrics(network, data(), adjacency, "auc", BatchSampler(adjacency, (1,)))
    handle.remove()
    assert {type(graph) for graph in seen} == {SampledAdjacency}
