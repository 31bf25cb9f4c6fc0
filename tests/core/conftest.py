from __future__ import annotations

import pytest
import torch
from hypothesis import settings

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.link_model import LinkModel, Positions
from ncnc_core.recipes.automatic import TEMPORAL_MODEL, TEMPORAL_TRAINING
from tests.fixtures.evolving_graphs import LATEST, active_groups

# Same examples in every run, and no deadline: the first call of a kernel takes a hundred times the second.
settings.register_profile("core", deadline=None, derandomize=True, max_examples=25)
settings.load_profile("core")


@pytest.fixture(scope="session")
def active() -> tuple[torch.Tensor, torch.Tensor]:
    """All edges [2, edges] of a graph in which recency decides, and their times, in unix seconds."""
    return active_groups()


@pytest.fixture(scope="session")
def evolving_model(active: tuple[torch.Tensor, torch.Tensor]) -> LinkModel:
    """A temporal model trained on all but the LATEST edges; its ids are n000, n001, ..."""
    edges, time = active
    training = TrainingConfig(**(TEMPORAL_TRAINING | {"epochs": 6, "windows": 3, "negatives_per_positive": 4}))
    return LinkModel.fit(
        Positions(edges[:, :-LATEST]),
        node_ids=[f"n{node:03d}" for node in range(200)],
        time=time[:-LATEST],
        model=ModelConfig(**(TEMPORAL_MODEL | {"hidden_channels": 16})),
        training=training,
        progress=False,
    )
