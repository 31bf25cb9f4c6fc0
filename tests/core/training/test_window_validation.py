from __future__ import annotations

from typing import Any

import pytest
import torch

from ncnc_core.training import window_validation
from ncnc_core.training.window_validation import WindowValidation
from tests.core.training.test_temporal_run import divided, finished, run_of

SAMPLED = 60  # pairs: ten edges with five negatives each


def validation(**recipe: Any) -> tuple[WindowValidation, Any]:
    run = run_of(**recipe)
    assert run.phase.valid is not None
    return run.phase.valid, run.phase.network.eval()


def test_a_sample_is_scored_as_its_edges_are_among_all() -> None:
    told: list[int] = []
    valid, network = validation(valid_pairs=SAMPLED)
    positive, negative = valid.scores(network, told.append)
    of_all, negatives_of_all = valid.scores_of_all(network, told.append)
    assert valid.pairs == (60, 6 * of_all.numel())
    assert sum(told) == sum(valid.pairs)
    chosen = [valid.data.valid_edges.T.tolist().index(edge) for edge in valid.sample.data.valid_edges.T.tolist()]
    torch.testing.assert_close(positive, of_all[chosen])
    torch.testing.assert_close(negative.view(-1, 5), negatives_of_all.view(-1, 5)[chosen])


def test_in_whatever_parts_all_are_read_their_scores_are_those_of_a_training_without_a_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, network = validation()
    assert whole.sample.is_whole
    expected = whole.scores(network, lambda _: None)
    for most in (6, 50, 10**6):
        monkeypatch.setattr(window_validation, "PAIRS_READ", most)
        valid, same = validation(valid_pairs=SAMPLED)
        for one, other in zip(valid.scores_of_all(same, lambda _: None), expected, strict=True):
            torch.testing.assert_close(one, other)


def test_a_bound_changes_no_weight_and_the_value_is_of_all_edges() -> None:
    recipe: dict[str, Any] = {"epochs": 3, "evaluate_every": 1}
    bound, free = finished(run_of(valid_pairs=SAMPLED, **recipe)), finished(run_of(**recipe))
    for one, other in zip(bound.trained().parameters(), free.trained().parameters(), strict=True):
        assert torch.equal(one, other)
    assert bound.progress.best_value == pytest.approx(free.progress.best_value)
    errors = [result.standard_error is not None for result in bound.progress.history]
    assert errors == [True, True, False, False, False, False]  # the last of the first phase measures all
    assert all(result.standard_error is None for result in free.progress.history)


def test_what_is_held_does_not_grow_with_the_window() -> None:
    valid, _ = validation(valid_pairs=SAMPLED)
    assert valid.held.values.shape[0] == SAMPLED < divided().valid_negatives.shape[1]
