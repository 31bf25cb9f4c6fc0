from __future__ import annotations

import torch

from benchmarks.speed.needed_work import evaluation_work, training_work
from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.recipes.recipe import Recipe
from ncnc_core.training.data import TrainingData

PATH = torch.tensor([[0, 1], [1, 2]])


def data(edges: torch.Tensor) -> TrainingData:
    pair = torch.tensor([[0], [3]])
    return TrainingData(
        num_nodes=4,
        features=torch.eye(4),
        train_edges=edges,
        forbidden_keys=torch.tensor([1, 6]),
        valid_edges=pair,
        valid_negatives=pair,
    )


def tuned(channels: int) -> Recipe:
    return Recipe(ModelConfig(hidden_channels=channels), TrainingConfig(batch_size=1))


def test_scoring_one_pair_counts_what_the_formula_has_for_it() -> None:
    """On the path 0-1-2 the pair (0, 2) pools node 1 and completes nothing; node 3 is isolated."""
    channels = 8
    work = evaluation_work(data(PATH), tuned(channels), Adjacency.from_edges(PATH, 4), torch.tensor([[0], [2]]))
    features, propagation, pooled = 4, 4, 1  # nonzeros, entries, entries
    linear = 2 + 4  # the transform of node 1, and the head
    assert work == 2 * channels * (features + propagation + pooled) + 2 * channels**2 * linear


def test_inner_pair_without_a_neighbourhood_leaves_that_block_out() -> None:
    """The pair (0, 3) pools node 1, asked for by the inner pair (3, 1): two maps for it, and node 3's transform."""
    channels = 8
    work = evaluation_work(data(PATH), tuned(channels), Adjacency.from_edges(PATH, 4), torch.tensor([[0], [3]]))
    linear = 2 + 2 + 4 + 2
    assert work == 2 * channels * (4 + 4 + 1) + 2 * channels**2 * linear


def test_epoch_costs_more_than_three_scorings_of_its_pairs_heads() -> None:
    adjacency = Adjacency.from_edges(PATH, 4)
    work = training_work(data(PATH), tuned(8), adjacency)
    assert work > 2 * 2 * 3 * 4 * 2 * 8**2  # two batches of a positive and a negative, four maps, three passes
