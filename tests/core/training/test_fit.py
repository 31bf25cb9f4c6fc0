from __future__ import annotations

import pytest
import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.link_model import LinkModel
from ncnc_core.training.checkpoint import EpochResult

SMALL = ModelConfig(hidden_channels=4, predictor="ncn")


def test_fit_is_fixed_by_its_seed_and_reports_each_epoch() -> None:
    edges = torch.stack([torch.arange(30), (torch.arange(30) * 7 + 1) % 30])
    seen: list[EpochResult] = []
    models = [
        LinkModel.fit(edges, model=SMALL, training=TrainingConfig(epochs=2), on_epoch=seen.append) for _ in range(2)
    ]
    pairs = torch.triu_indices(30, 30, offset=1)
    assert torch.equal(models[0].score_pairs(pairs), models[1].score_pairs(pairs))
    assert [result.epoch for result in seen] == [1, 2, 1, 2]


def test_one_edge_is_too_few_to_learn_and_to_validate() -> None:
    with pytest.raises(InvalidGraph, match=r"There are 1 edges, and training needs 2"):
        LinkModel.fit(torch.tensor([[0], [1]]), model=SMALL)


def test_named_nodes_without_edges_are_part_of_the_model() -> None:
    edges = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
    served = LinkModel.fit(edges, node_ids=list("abcdef"), model=SMALL, training=TrainingConfig(epochs=1))
    assert served.num_nodes == 6
    assert served.score_ids(["a"], ["f"]).shape == (1,)


@pytest.mark.parametrize("fraction", [-0.1, 0.0, 1.0, 10.0, float("nan")])
def test_a_share_to_validate_that_is_none_is_refused(fraction: float) -> None:
    edges = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
    with pytest.raises(InvalidGraph, match=rf"between 0 and 1, but it is {fraction}\. Give 0\.1"):
        LinkModel.fit(edges, model=SMALL, valid_fraction=fraction)


def test_validation_edges_without_a_negative_are_left_out_and_a_complete_graph_is_refused() -> None:
    every = torch.triu_indices(12, 12, offset=1)
    epoch = TrainingConfig(epochs=1)
    LinkModel.fit(every[:, every[0] < 8], model=SMALL, training=epoch, valid_fraction=0.5)  # nodes 0 to 7 know all
    with pytest.raises(InvalidGraph, match=r"None of the 33 validation edges has a negative.*pairs that are no edges"):
        LinkModel.fit(every, model=SMALL, training=epoch, valid_fraction=0.5)
