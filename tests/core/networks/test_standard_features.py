from __future__ import annotations

import pytest
import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.link_model import LinkModel
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.standard_features import FARTHEST, StandardFeatures, are_measurements
from ncnc_core.training.data import TrainingData
from ncnc_core.training.run import TrainingRun

COLUMNS = torch.tensor([[1.7e9, 4.0, 1.0], [1.7e9 + 4096, 4.0, 2.0], [1.7e9 + 8192, 4.0, 6.0]])


def fitted(features: torch.Tensor, chosen: torch.Tensor | None = None) -> StandardFeatures:
    standard = StandardFeatures(features.shape[1])
    standard.fit(features, torch.ones(len(features), dtype=torch.bool) if chosen is None else chosen)
    return standard


def test_columns_of_any_scale_get_mean_zero_and_deviation_one_and_constant_ones_say_nothing() -> None:
    found = fitted(COLUMNS)(COLUMNS)
    assert found[:, 1].tolist() == [0, 0, 0]
    for column in (0, 2):
        assert found[:, column].mean().item() == pytest.approx(0, abs=1e-3)
        assert found[:, column].std(correction=0).item() == pytest.approx(1, abs=1e-3)


def test_nodes_without_features_stay_zero_and_are_not_counted() -> None:
    with_gaps = torch.cat([COLUMNS, torch.zeros(3, 3)])
    standard = fitted(with_gaps)
    torch.testing.assert_close(standard.mean, fitted(COLUMNS).mean)
    assert standard(with_gaps)[3:].eq(0).all()


def test_only_chosen_nodes_are_counted_and_far_values_are_cut() -> None:
    standard = fitted(torch.cat([COLUMNS, COLUMNS * 100]), torch.arange(6) < 3)
    torch.testing.assert_close(standard.mean, fitted(COLUMNS).mean)
    far = standard(torch.tensor([[1.7e11, 400.0, -1e9]]))
    assert far.tolist() == [[FARTHEST, 0, -FARTHEST]]


def test_bags_of_words_ids_and_sparse_rows_are_no_measurements() -> None:
    bag = torch.eye(20)
    assert are_measurements(torch.rand(20, 3))
    assert not any(are_measurements(one) for one in (None, bag, bag.to_sparse_csr(), torch.arange(20)))
    for features in (bag, torch.rand(20, 3).to_sparse_csr(), None):
        network = LinkNetwork.for_graph(ModelConfig(hidden_channels=4), features, 20)
        assert network.standard is None
        assert not network.config.standardize_features


def test_sparse_rows_given_to_a_model_of_measurements_are_standardised_too() -> None:
    standard = fitted(COLUMNS)
    torch.testing.assert_close(standard(COLUMNS.to_sparse_csr()), standard(COLUMNS))


def test_the_statistics_are_those_of_nodes_with_a_training_edge_and_begin_a_warm_start_as_they_were() -> None:
    features = torch.rand(8, 2, generator=torch.Generator().manual_seed(0)) * 1000
    edges = torch.tensor([[0, 1, 2], [1, 2, 3]])
    data = TrainingData(8, features, edges, torch.arange(0), torch.tensor([[4], [5]]), torch.tensor([[4], [6]]))
    model, training, device = ModelConfig(hidden_channels=4), TrainingConfig(epochs=1), torch.device("cpu")
    network = TrainingRun(model, training, data, "auc", device, None).network
    assert network.standard is not None
    torch.testing.assert_close(network.standard.mean, features[:4].mean(0))
    torch.testing.assert_close(network.standard.rate, 1 / features[:4].std(0, correction=0))
    later = TrainingData(8, features * 2, edges, torch.arange(0), data.valid_edges, data.valid_negatives)
    warm = TrainingRun(model, training, later, "auc", device, network.state_dict()).network
    assert warm.standard is not None
    assert torch.equal(warm.standard.mean, network.standard.mean)


def test_a_model_does_not_depend_on_the_units_of_its_features() -> None:
    generator = torch.Generator().manual_seed(0)
    edges = Adjacency.from_edges(torch.randint(40, (2, 120), generator=generator), 40).edges()
    features = torch.randn(40, 3, generator=generator)
    model, training = ModelConfig(hidden_channels=4, predictor="ncn"), TrainingConfig(epochs=2)
    plain, scaled = (
        LinkModel.fit(edges, given, model=model, training=training, progress=False).score_pairs(edges)
        for given in (features, features * torch.tensor([1.0, 4096.0, 2.0**-10]) + torch.tensor([64.0, 0.0, 1.0]))
    )
    torch.testing.assert_close(scaled, plain, rtol=0.01, atol=0.01)
