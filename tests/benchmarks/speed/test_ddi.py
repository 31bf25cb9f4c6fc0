from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data

from benchmarks.speed import ddi
from benchmarks.speed.stopwatch import Seconds
from ncnc_core.config.model import ModelConfig, PredictorName
from ncnc_core.config.training import TrainingConfig
from ncnc_core.overlap.dense import is_dense
from ncnc_core.recipes.recipe import Recipe, recipe

SIZE = 90


@pytest.fixture
def _small_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    upper = torch.triu_indices(SIZE, SIZE, offset=1)
    draw = torch.rand(upper.shape[1], generator=torch.Generator().manual_seed(0))
    data = Data(num_nodes=SIZE, edge_index=upper[:, draw < 0.5])
    data.test_edges, data.test_negatives = upper[:, draw > 0.98], upper[:, (draw > 0.95) & (draw < 0.98)]

    def small(name: str, predictor: PredictorName) -> Recipe:
        tuned = recipe(name, predictor).model.model_copy(
            update={"hidden_channels": 16, "completion_offset": 0.0, "completion_scale": 1.0}
        )
        return Recipe(tuned, TrainingConfig(batch_size=60))

    monkeypatch.setattr(ddi, "recipe", small)
    monkeypatch.setattr(ddi, "load", lambda name: data)
    monkeypatch.setattr(ddi, "STEP_SLICES", (10, 20))


@pytest.mark.parametrize(
    ("changes", "maps"),
    [
        ({}, 4),  # two of the neighbourhood's block, one of the pair's, one of the readout
        ({"two_layer_head": True}, 5),
        ({"neighbor_output_linear": True, "two_layer_head": True}, 7),  # ddi's
    ],
)
def test_work_of_a_head_counts_its_linear_maps(changes: dict[str, bool], maps: int) -> None:
    tuned = Recipe(ModelConfig(hidden_channels=16, **changes), TrainingConfig())  # type: ignore[arg-type]
    setting = ddi.Setting(Data(), None, tuned, None)  # type: ignore[arg-type]
    assert setting.head_work() == maps * 2 * 16**2


def test_line_through_two_slices_reaches_the_whole() -> None:
    """Two seconds once, and a tenth of a second for each."""
    assert ddi._line([Seconds(3.0, 2.0), Seconds(4.0, 3.0)], (10, 20), 100) == Seconds(12.0, 11.0)


@pytest.mark.usefixtures("_small_graph")
def test_published_recipe_is_taken_densely_and_gives_the_plain_logits() -> None:
    assert is_dense(ddi.Setting.of("ncnc").adjacency)
    figures = ddi.ncnc_scoring()
    assert figures["largest_logit_difference"] < 1e-4
    assert 0 < figures["distinct_inner_pairs"] < SIZE**2 / 2
    assert figures["published_seconds"] == pytest.approx(figures["pairs"] * 15 / 128)
    assert figures["floor_seconds"] > 0


@pytest.mark.usefixtures("_small_graph")
def test_training_step_is_of_the_recipes_size() -> None:
    figures = ddi.ncn_batch()
    assert figures["pairs"] == 120
    assert figures["peak_gb"] > 0.05
    assert figures["times_as_fast_as_published"] == pytest.approx(24 / figures["seconds"])
