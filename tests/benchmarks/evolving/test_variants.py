from __future__ import annotations

import pytest
import torch

from benchmarks.evolving.variants import BASE, VARIANTS, no_quantiles, scales
from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.networks.quantile_scale import QuantileScale
from ncnc_core.networks.temporal_network import TemporalNetwork
from ncnc_core.recipes.automatic import TEMPORAL_TRAINING
from ncnc_core.temporal.pair_features import feature_names
from tests.fixtures.evolving_graphs import random_history

CONFIG = ModelConfig(predictor="temporal_ncn", hidden_channels=8)
PAIRS = torch.tensor([[0, 1], [2, 3]])


def test_every_variant_but_the_base_changes_something() -> None:
    assert VARIANTS[BASE].training == {}
    usual = TrainingConfig(**TEMPORAL_TRAINING).model_dump()
    for name, variant in VARIANTS.items():
        changed = {key for key, value in variant.training.items() if usual[key] != value}
        assert changed == set(variant.training)
        assert bool(changed) or variant.patched is not VARIANTS[BASE].patched or name == BASE


@pytest.mark.parametrize(("values", "pooled"), [((0.25, 1.0), (0, 1)), ((0.05, 0.25, 1.0, 4.0, 16.0), (1, 2, 3, 4))])
def test_scales_change_what_the_network_reads_and_are_as_before_afterwards(
    values: tuple[float, ...], pooled: tuple[int, ...]
) -> None:
    before = feature_names()
    with scales(values, pooled):
        network = TemporalNetwork(CONFIG, num_features=0).eval()
        names = [name for group in network.groups.values() for name in group]
        assert [name for name in names if name.startswith("recent_common_")] == [f"recent_common_{v:g}" for v in values]
        graph = random_history(0).graph_at(40)
        levels = network.node_levels(None, graph)
        read = network.read(levels, network.timed_by(levels, graph), PAIRS)
        assert read.values.shape == (2, len(names))
        assert read.pooled.shape == (2, (1 + len(pooled)) * 8)
        assert network.scores(levels, graph, PAIRS).isfinite().all()
    assert feature_names() == before


def test_without_quantiles_the_standard_scores_stay() -> None:
    scale, values = QuantileScale(1), torch.linspace(0, 1, 9).unsqueeze(1)
    scale.fit(values)
    whole = scale(values)
    with no_quantiles():
        left = scale(values)
    assert torch.equal(left[:, :1], whole[:, :1])
    assert not left[:, 1:].any()
    assert torch.equal(scale(values), whole)
