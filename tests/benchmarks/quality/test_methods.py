from __future__ import annotations

import pytest

from benchmarks.quality.methods import HEURISTIC_METHODS, METHODS, candidates, is_played
from benchmarks.quality.protocol import PROTOCOLS
from ncnc_core.recipes.recipe import recipe

LEARNED = [method for method in METHODS if method not in HEURISTIC_METHODS]


@pytest.mark.parametrize("data", list(PROTOCOLS))
def test_every_method_has_candidates_of_different_names(data: str) -> None:
    for method in (method for method in LEARNED if is_played(data, method)):
        found = candidates(data, method)
        assert len({one.name for one in found}) == len(found)
        assert (len(found) > 1) == (method == "ours")
        assert len({str(one.definition()) for one in found}) == len(found)


def test_the_published_methods_are_the_recipes() -> None:
    (found,) = candidates("citeseer", "ncnc-as-published")
    wanted = recipe("citeseer", "ncnc", as_published=True)
    assert (found.model, found.training) == (wanted.model, wanted.training)
    assert found.model.noisy_completion_as_published
    assert found.training.drop_last_as_published
    (other,) = candidates("citeseer", "ncnc")
    assert not other.model.noisy_completion_as_published
    assert other.model.feature_dropout == found.model.feature_dropout


def test_completion_on_ddi_sets_out_from_the_trained_plain_model() -> None:
    (found,) = candidates("ogbl_ddi", "ncnc")
    assert found.start is not None
    assert (found.start.model.predictor, found.model.predictor) == ("ncn", "ncnc")
    assert found.start.training.encoder_learning_rate > 0 == found.training.encoder_learning_rate


def test_switches_as_published_are_for_published_recipes() -> None:
    assert not is_played("usair", "ncn-as-published")
    assert is_played("usair", "ncn")
    assert is_played("cora", "ncnc-as-published")
