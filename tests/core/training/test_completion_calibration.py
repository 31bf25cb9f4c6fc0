from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ncnc_core.config.model import ModelConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.training.completion_calibration import (
    ALPHAS,
    calibrate_completion,
    platt_fit,
    require_completion,
    with_completion,
)
from ncnc_core.training.data import TrainingData
from ncnc_core.training.validation import metrics_of, validation_scores

NODES = 40


def data() -> TrainingData:
    """Two dense groups; a fifth of the edges validates."""
    generator = torch.Generator().manual_seed(0)
    upper = torch.triu_indices(NODES, NODES, offset=1)
    same = (upper[0] < NODES // 2) == (upper[1] < NODES // 2)
    drawn = torch.rand(upper.shape[1], generator=generator)
    edges = upper[:, same & (drawn < 0.4)]
    valid = torch.arange(edges.shape[1]) % 5 == 0
    others = upper[:, ~same]
    chosen = torch.randperm(others.shape[1], generator=generator)[: 3 * int(valid.sum())]
    return TrainingData(
        num_nodes=NODES,
        features=None,
        train_edges=edges[:, ~valid],
        forbidden_keys=torch.empty(0, dtype=torch.int64),
        valid_edges=edges[:, valid],
        valid_negatives=others[:, chosen],
    )


def mrr(network: LinkNetwork, given_data: TrainingData) -> float:
    scores = validation_scores(network, given_data, given_data.adjacency())
    return metrics_of(*scores, "mrr", given_data.negatives_per_valid_edge)["mrr"]


def network(**changes: object) -> LinkNetwork:
    torch.manual_seed(1)  # a draw whose inner logits say something of links
    return LinkNetwork(ModelConfig.model_validate({"hidden_channels": 8, **changes}), num_features=0).eval()


@given(scale=st.floats(0.2, 5), offset=st.floats(-2, 2), seed=st.integers(0, 2**32))
def test_platt_fit_finds_the_logistic_that_drew_the_links(scale: float, offset: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logit = offset + torch.randn(20_000, generator=generator) * 2 / scale
    is_link = torch.rand(20_000, generator=generator) < torch.sigmoid(scale * (logit - offset))
    fit = platt_fit(logit, is_link)
    assert fit is not None
    assert fit[0] == pytest.approx(scale, rel=0.15)
    assert scale * (fit[1] - offset) == pytest.approx(0, abs=0.15)


def test_platt_fit_of_separable_classes_stays_finite() -> None:
    fit = platt_fit(torch.tensor([-2.0, -1, 1, 2]), torch.tensor([False, False, True, True]))
    assert fit is not None
    assert 0 < fit[0] < 10
    assert fit[1] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("logit", "is_link"),
    [
        ([1.0, 2.0], [True, True]),  # one class
        ([1.0, 2.0], [False, False]),
        ([1.0, 1.0], [True, False]),  # nothing to tell them apart by
        ([-1.0, 0.0, 1.0, 2.0], [True, True, False, False]),  # upside down
        ([], []),
    ],
)
def test_there_is_no_fit_where_logits_say_nothing_of_links(logit: list[float], is_link: list[bool]) -> None:
    assert platt_fit(torch.tensor(logit), torch.tensor(is_link, dtype=torch.bool)) is None


def test_chosen_constants_validate_best_of_all_that_were_tried() -> None:
    given_network, given_data = network(completion_alpha=0.6), data()
    adjacency = given_data.adjacency()
    best, record = calibrate_completion(given_network, given_data, adjacency, "mrr")
    assert record.chosen.value == max(trial.value for trial in record.trials)
    assert record.chosen.value == mrr(best, given_data)
    assert record.chosen.value >= mrr(given_network, given_data)
    assert best.config.completion_alpha == record.chosen.alpha
    assert best.config.completion_scale == record.chosen.scale
    assert best.config.completion_offset == record.chosen.offset
    assert not best.training


def test_off_the_configured_constants_and_both_fits_are_tried_with_every_alpha() -> None:
    given_network, given_data = network(completion_alpha=0.6), data()
    _, record = calibrate_completion(given_network, given_data, given_data.adjacency(), "auc")
    alphas = sorted({*ALPHAS, 0.6})
    assert [trial.alpha for trial in record.trials] == [0.0, *alphas * 3]
    beliefs = list(dict.fromkeys((trial.scale, trial.offset) for trial in record.trials))
    assert beliefs[0] == (given_network.config.completion_scale, given_network.config.completion_offset)
    assert beliefs[1][0] == beliefs[2][0]  # the same slope, once with the odds of the inner pairs, once with equal ones
    assert beliefs[1][1] > beliefs[2][1]  # links are few, so at their own odds it takes a higher logit


def test_completion_that_changes_nothing_is_switched_off_and_equals_ncn_bit_for_bit() -> None:
    """Two nodes, and every other alone: there is no one-sided neighbour, so every alpha validates alike."""
    alone = replace(
        data(),
        train_edges=torch.tensor([[0], [1]]),
        valid_edges=torch.tensor([[2], [3]]),
        valid_negatives=torch.tensor([[4, 6], [5, 7]]),
    )
    given_network = network(completion_alpha=1.0)
    best, record = calibrate_completion(given_network, alone, alone.adjacency(), "auc")
    assert record.chosen.alpha == 0.0
    assert {trial.value for trial in record.trials} == {record.chosen.value}
    ncn = network(predictor="ncn")
    ncn.load_state_dict(given_network.state_dict())
    full = data().adjacency()
    pairs = torch.triu_indices(NODES, NODES, offset=1)
    assert torch.equal(best(None, full, pairs), ncn(None, full, pairs))


def test_calibration_may_switch_completion_on_that_was_trained_off() -> None:
    given_data = data()
    _, record = calibrate_completion(network(completion_alpha=0.0), given_data, given_data.adjacency(), "mrr")
    assert len(record.trials) == 1 + 3 * len(ALPHAS)
    assert len({trial.value for trial in record.trials}) > 1


def test_other_constants_share_the_weights() -> None:
    given_network = network()
    other = with_completion(given_network, scale=9.0, offset=-1.0, alpha=0.25)
    assert other.config.completion_scale == 9.0
    own, theirs = given_network.state_dict(), other.state_dict()
    assert own.keys() == theirs.keys()
    assert all(own[name].data_ptr() == theirs[name].data_ptr() for name in own)


@pytest.mark.parametrize("model", [ModelConfig(predictor="ncn"), ModelConfig(completion_depth=0)])
def test_calibrating_what_completes_nothing_is_refused(model: ModelConfig) -> None:
    with pytest.raises(
        InvalidGraph, match=rf"predictor is {model.predictor} with completion_depth {model.completion_depth}\. Set pred"
    ):
        require_completion(model)
