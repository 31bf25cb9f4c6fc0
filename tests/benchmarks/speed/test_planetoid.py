from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data

from benchmarks.speed import planetoid
from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.recipes.recipe import Recipe

SIZE = 40


@pytest.fixture(autouse=True)
def _small_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    upper = torch.triu_indices(SIZE, SIZE, offset=1)
    edges = upper[:, torch.rand(upper.shape[1], generator=generator) < 0.15]
    graph = Data(edge_index=edges, num_nodes=SIZE, x=torch.rand(SIZE, 6, generator=generator))
    small = Recipe(
        ModelConfig(hidden_channels=8, completion_max_neighbors=None, standardize_features=False),
        TrainingConfig(batch_size=20),
    )
    monkeypatch.setattr(planetoid, "load", lambda name: graph)
    monkeypatch.setattr(planetoid, "recipe", lambda name: small)


def test_division_is_the_protocols() -> None:
    setting = planetoid.Setting.of("cora")
    data = setting.data
    edges = data.train_edges.shape[1] * 10 // 7  # of which 10 % are for validation, 20 % for the test
    assert abs(data.valid_edges.shape[1] - edges // 10) <= 1
    assert data.valid_negatives.shape[1] == 2 * data.valid_edges.shape[1]
    assert abs(setting.evaluated.shape[1] - edges * 14 // 10) <= 4
    assert setting.tuned.training.drop_last_as_published


@pytest.mark.parametrize("name", ["cora_epoch", "cora_evaluation", "citeseer_epoch"])
def test_case_measures_both_ways_on_the_same_weights(name: str) -> None:
    figures = planetoid.CASES[name]()
    assert figures["seconds"] > 0
    assert figures["plain_seconds"] > 0
    assert figures["floor_seconds"] > 0
    assert figures["largest_logit_difference"] < 1e-4
    assert ("published_seconds" in figures) is name.startswith("cora")
