from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.event_history import EventHistory
from ncnc_core.recipes import automatic as automatic
from ncnc_core.recipes import training_budget
from ncnc_core.recipes.automatic import AutomaticConfig, automatic_config
from ncnc_core.recipes.graph_traits import GraphTraits
from ncnc_core.splits.temporal_cuts import cut_by_fraction
from ncnc_core.training.fit import Validation, fit_network
from ncnc_core.training.windows import training_windows

RING = Adjacency.from_edges(torch.stack([torch.arange(40), (torch.arange(40) + 1) % 40]), 40)
CORA_LIKE = GraphTraits(
    num_nodes=2708, num_edges=5278, edge_degree=11.0, closed_share=0.6, num_features=1433, feature_density=0.013,
    has_ids=False, has_weights=False, arrivals=None, has_directions=False,
)  # fmt: skip
FEATURELESS = replace(CORA_LIKE, num_features=0, feature_density=1.0)


def chosen(monkeypatch: pytest.MonkeyPatch, traits: GraphTraits, **options: Any) -> AutomaticConfig:
    """What is chosen for a graph of these traits; no test builds ten million edges."""
    monkeypatch.setattr(GraphTraits, "of", lambda *_: traits)
    return automatic_config(RING, **options)


# one property each, the field it decides, and a word of the reason given for it
@pytest.mark.parametrize(
    ("traits", "field", "value", "reason"),
    [
        (CORA_LIKE, "feature_dropout", 0.5, "bags of words"),
        (replace(CORA_LIKE, feature_density=1.0), "feature_dropout", 0.0, "measurements"),
        (CORA_LIKE, "node_embedding", "off", "1433 features"),
        (replace(FEATURELESS, has_ids=True), "node_embedding", "only", "ids"),
        (FEATURELESS, "node_embedding", "only", "No features: a learnable vector"),
        (FEATURELESS, "num_layers", 1, "60% of the edges have a common neighbour: a linear encoder of 1 layer"),
        (replace(FEATURELESS, closed_share=0.2), "num_layers", 3, "20% of the edges have a common neighbour"),
        (replace(FEATURELESS, num_nodes=3_000_000), "node_embedding", "off", "3000000 nodes are too many"),
        (CORA_LIKE, "hidden_channels", 128, "128 channels"),
        (FEATURELESS, "hidden_channels", 64, "64 channels"),
        (CORA_LIKE, "predictor_dropout", 0.3, "dropout 0.3"),
        (replace(FEATURELESS, num_edges=1_000_000), "predictor_dropout", 0.1, "dropout 0.1"),
        (replace(CORA_LIKE, has_weights=True), "edge_weights", True, "weights"),
        (CORA_LIKE, "completion_max_neighbors", None, "completing all"),
        (replace(CORA_LIKE, edge_degree=60.0), "completion_max_neighbors", 16, "at most 16"),
        (replace(CORA_LIKE, edge_degree=500.0), "predictor", "ncn", "500 neighbours"),
    ],
)
def test_model_follows_the_property_and_says_so(
    monkeypatch: pytest.MonkeyPatch, traits: GraphTraits, field: str, value: object, reason: str
) -> None:
    choice = chosen(monkeypatch, traits)
    assert getattr(choice.model, field) == value
    assert any(reason in line for line in choice.reasons)


def test_new_nodes_to_come_leave_a_featureless_graph_its_structure(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen(monkeypatch, FEATURELESS, expects_new_nodes=True).model.node_embedding == "off"


# edges, the batch that leaves the graph whole, and epochs for about a thousand steps
@pytest.mark.parametrize(("edges", "batch", "epochs"), [(100, 32, 200), (5278, 527, 99), (20_000, 2000, 100)])
def test_batches_are_a_share_of_the_edges_and_steps_about_the_same_everywhere(
    monkeypatch: pytest.MonkeyPatch, edges: int, batch: int, epochs: int
) -> None:
    training = chosen(monkeypatch, replace(CORA_LIKE, num_edges=edges)).training
    assert (training.batch_size, training.epochs) == (batch, epochs)
    assert (training.valid_pairs, training.evaluate_every) == (None, 1)  # a small graph is trained as it was


# edges, the edges of an epoch, epochs, the batch, the validation pairs and how often they are scored
@pytest.mark.parametrize(
    ("edges", "each", "epochs", "batch", "valid_pairs", "every"),
    [
        (30_000, None, 67, 3000, 40_000, 4),
        (100_000, None, 20, 8192, 40_000, 1),
        (1_000_000, 250_000, 8, 8192, 100_000, 1),
        (9_000_000, 250_000, 72, 65_536, 100_000, 1),
    ],
)
def test_a_large_graph_has_a_budget_of_pairs_and_validation_a_fifth_of_it(
    monkeypatch: pytest.MonkeyPatch,
    edges: int,
    each: int | None,
    epochs: int,
    batch: int,
    valid_pairs: int,
    every: int,
) -> None:
    choice = chosen(monkeypatch, replace(FEATURELESS, num_edges=edges))
    training = choice.training
    assert (training.pairs_per_epoch, training.epochs, training.batch_size) == (each, epochs, batch)
    assert (training.valid_pairs, training.evaluate_every) == (valid_pairs, every)
    assert valid_pairs <= 0.2 * every * 2 * (each or edges)
    assert any(f"A budget of {epochs * (each or edges):,} edges to learn" in reason for reason in choice.reasons)
    assert any(f"{valid_pairs:,} validation pairs" in reason for reason in choice.reasons)


def test_what_it_costs_is_estimated_and_for_a_temporal_model_by_its_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = (
        chosen(monkeypatch, replace(FEATURELESS, num_edges=edges)).estimate for edges in (10_000, 1_000_000)
    )
    assert small.seconds < large.seconds < 3600
    assert chosen(monkeypatch, TIMED).estimate.scored == 3 * 51 * (TIMED.num_edges // 10)  # its latest tenth validates


def test_large_graph_is_trained_on_samples_one_number_a_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    choice = chosen(monkeypatch, replace(FEATURELESS, num_nodes=3_000_000, num_edges=30_000_000))
    assert choice.training.neighbor_fan_out == (10,)
    assert choice.training.pairs_per_epoch == 1_000_000
    assert choice.training.epochs == 20
    assert not choice.training.calibrate_completion
    assert choice.model.node_embedding == "off"
    assert any("sample of its neighbourhood" in line for line in choice.reasons)


@pytest.mark.parametrize(
    ("model", "calibrated"),
    [
        (ModelConfig(), True),
        (ModelConfig(predictor="ncn"), False),
        (ModelConfig(completion_alpha=0.0), False),
        (ModelConfig(completion_depth=0), False),
    ],
)
def test_given_model_is_kept_and_its_completion_fitted_where_it_has_one(model: ModelConfig, calibrated: bool) -> None:
    choice = automatic_config(RING, model=model)
    assert choice.model == model
    assert choice.training.calibrate_completion is calibrated
    assert "The model is as given" in choice.reasons[0]


@pytest.mark.parametrize(
    "features",
    [None, torch.rand(40, 3), torch.arange(40) % 5, torch.eye(40).to_sparse_csr()],
    ids=["none", "dense", "ids", "sparse"],
)
def test_choice_trains_whatever_the_features(features: torch.Tensor | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_budget, "STEPS", 5)
    choice = automatic_config(RING, features)
    training = choice.training.model_copy(update={"epochs": 2})
    trained = fit_network(
        RING, features, model=choice.model, training=training, selection_metric="mrr", validation=Validation(0.2, 4),
        on_epoch=None, device="cpu",
    )  # fmt: skip
    assert trained.network(features, RING, torch.tensor([[0], [2]])).isfinite().all()


def test_same_graph_and_seed_give_the_same_choice() -> None:
    assert automatic_config(RING, seed=3) == automatic_config(RING, seed=3)
    assert automatic_config(RING, seed=3).training.seed == 3


def test_graph_without_edges_gets_a_choice_too() -> None:
    empty = Adjacency.from_edges(torch.zeros(2, 0, dtype=torch.int64), 3)
    assert automatic_config(empty).training.batch_size == 32


DAILY = torch.arange(1000)
TIMED = replace(FEATURELESS, num_edges=1000, arrivals=DAILY)


def test_edges_that_have_times_are_read_by_a_temporal_model(monkeypatch: pytest.MonkeyPatch) -> None:
    choice = chosen(monkeypatch, TIMED, seed=4)
    assert choice.model.predictor == "temporal_ncn"
    assert (choice.training.loss, choice.training.refit, choice.training.seed) == ("listwise", True, 4)
    assert choice.reasons == (
        "The edges have times: the model reads how recent things are, and learns to say what comes next.",
    )
    assert not choice.model.edge_directions
    assert choice.training.valid_pairs is None
    large = chosen(monkeypatch, replace(TIMED, num_edges=20_001))
    assert large.training.valid_pairs == 40_000
    assert large.reasons[1] == (
        "40,000 validation pairs, drawn by the seed, are scored between epochs, all after the last."
    )
    directed = chosen(monkeypatch, replace(TIMED, has_directions=True))
    assert directed.model.edge_directions
    assert directed.reasons[1] == "The events have directions: paths are also told apart by which way their edges go."


# what keeps times from being read, and what is said of it
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"has_ids": True}, "the features are ids or more than 256 numbers a node"),
        ({"num_features": 257}, "the features are ids or more than 256 numbers a node"),
        ({"num_edges": 10_000_001}, "10000001 edges are too many to be worked out whole"),
        ({"num_edges": 199}, "there are too few of them, or too many share one time"),
        ({"arrivals": torch.zeros(1000, dtype=torch.int64)}, "too many share one time"),
        ({"arrivals": (DAILY >= 400).long()}, "too many share one time"),  # 600 new ones: no share to validate
        ({"arrivals": (DAILY >= 500).long()}, "too many share one time"),  # validation is all but the first date
    ],
)
def test_times_that_tell_too_little_are_not_read_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], reason: str
) -> None:
    choice = chosen(monkeypatch, replace(TIMED, **changes))
    assert choice.model.predictor != "temporal_ncn"
    assert choice.reasons[0].startswith("The edges have times, which are not read: ")
    assert reason in choice.reasons[0]


@pytest.mark.parametrize("seed", range(40))
def test_where_a_temporal_model_is_chosen_there_are_windows_and_where_not_there_are_none(seed: int) -> None:
    """Graphs of few dates, each with any number of edges."""
    generator = torch.Generator().manual_seed(seed)
    sizes = torch.randint(1, 400, (int(torch.randint(1, 6, (), generator=generator)),), generator=generator)
    dates = torch.repeat_interleave(torch.arange(len(sizes)), sizes)
    nodes = torch.arange(len(dates))
    history = EventHistory.of_events(torch.stack([nodes, nodes + 1]), dates, len(dates) + 1)
    cut = cut_by_fraction(history.arrivals, automatic.VALIDATION_SHARE)
    has_windows = False
    if cut is not None:
        size = len(dates) - history.arrived(cut)
        with suppress(InvalidGraph):
            has_windows = bool(training_windows(history, cut, size, 6))
    choice = automatic_config(history.graph_at(9))
    expected = has_windows and len(dates) >= automatic.FEWEST_TIMED
    assert (choice.model.predictor == "temporal_ncn") == expected


def test_a_given_temporal_model_has_its_own_recipe_and_features_may_be_few(monkeypatch: pytest.MonkeyPatch) -> None:
    choice = chosen(monkeypatch, FEATURELESS, model=ModelConfig(predictor="temporal_ncn"))
    assert choice.training.loss == "listwise"
    assert chosen(monkeypatch, replace(TIMED, num_features=256)).model.predictor == "temporal_ncn"
