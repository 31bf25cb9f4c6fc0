from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation.ranking import reciprocal_ranks
from ncnc_core.evaluation.score_calibration import fit_calibration
from ncnc_core.graph.adjacency import pair_keys
from ncnc_core.splits.negatives import corrupted_negatives
from ncnc_core.training import run as run_module
from ncnc_core.training.checkpoint import EpochResult
from ncnc_core.training.completion_calibration import calibrate_completion, with_completion
from ncnc_core.training.data import TrainingData
from ncnc_core.training.trained_network import TrainedNetwork, train_network
from ncnc_core.training.validation import validation_scores
from ncnc_core.training.work import WorkDone

MODEL = ModelConfig(hidden_channels=8, predictor_dropout=0.2, encoder_edge_dropout=0.1, predictor_edge_dropout=0.1)
RECIPE = TrainingConfig(epochs=4, batch_size=64, seed=3)


def ring_data(count: int = 60, features: torch.Tensor | None = None) -> TrainingData:
    """A ring with chords of length two; every seventh edge validates."""
    nodes = torch.arange(count)
    edges = torch.cat([torch.stack([nodes, (nodes + step) % count]) for step in (1, 2)], 1)
    held_out = torch.arange(edges.shape[1]) % 7 == 0
    generator = torch.Generator().manual_seed(0)
    every = pair_keys(edges, count).sort().values
    return TrainingData(
        num_nodes=count,
        features=features,
        train_edges=edges[:, ~held_out],
        forbidden_keys=pair_keys(edges[:, ~held_out], count).sort().values,
        valid_edges=edges[:, held_out],
        valid_negatives=corrupted_negatives(edges[:, held_out], 10, every, generator, num_nodes=count),
    )


def same_weights(first: TrainedNetwork, second: TrainedNetwork) -> bool:
    a, b = first.network.state_dict(), second.network.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def draw_everywhere(seed: int) -> None:
    """Leave every source of randomness that a library may draw from in another state."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)


@pytest.mark.parametrize("changes", [{}, {"loss": "hinge_auc", "negatives_per_positive": 2, "precision": "bfloat16"}])
def test_one_seed_fixes_the_whole_run_whatever_the_caller_drew_before(changes: dict[str, Any]) -> None:
    """The published code seeds torch and NumPy, and draws its negatives from Python's random."""
    recipe = RECIPE.model_copy(update=changes)
    draw_everywhere(1)
    first = train_network(MODEL, recipe, ring_data())
    draw_everywhere(2)
    second = train_network(MODEL, recipe, ring_data())
    assert same_weights(first, second)
    assert [result.loss for result in first.history] == [result.loss for result in second.history]


def test_another_seed_gives_other_weights() -> None:
    first = train_network(MODEL, RECIPE, ring_data())
    other = train_network(MODEL, RECIPE.model_copy(update={"seed": 4}), ring_data())
    assert not same_weights(first, other)


def test_caller_random_state_is_untouched() -> None:
    before, numpy = torch.get_rng_state(), str(np.random.get_state())  # Python's own the type checker draws from
    train_network(MODEL, RECIPE.model_copy(update={"calibrate_completion": True, "epochs": 1}), ring_data())
    assert torch.equal(torch.get_rng_state(), before)
    assert str(np.random.get_state()) == numpy


class Killed(RuntimeError):
    pass


@pytest.mark.parametrize(
    ("killed_after", "changes"),
    [
        (1, {}),
        (3, {}),
        (2, {"loss": "auc", "precision": "bfloat16"}),
        (2, {"loss": "hinge_auc", "calibrate_completion": True, "negatives_per_positive": 2}),
        (2, {"loss": "log_rank", "pairs_per_epoch": 40, "drop_last_as_published": True, "batch_size": 16}),
        (4, {"calibrate_completion": True, "gradient_clip_norm": 0.5}),  # all epochs done, and not yet calibrated
    ],
)
def test_resumed_training_continues_bit_for_bit(tmp_path: Path, killed_after: int, changes: dict[str, Any]) -> None:
    recipe = RECIPE.model_copy(update=changes)

    def kill(result: EpochResult) -> None:
        if result.epoch == killed_after:
            raise Killed

    whole = train_network(MODEL, recipe, ring_data())
    with pytest.raises(Killed):
        train_network(MODEL, recipe, ring_data(), checkpoint=tmp_path / "checkpoint", on_epoch=kill)
    seen: list[int] = []
    resumed = train_network(
        MODEL,
        recipe,
        ring_data(),
        checkpoint=tmp_path / "checkpoint",
        on_epoch=lambda result: seen.append(result.epoch),
    )
    assert seen == list(range(killed_after + 1, 5))
    assert same_weights(whole, resumed)
    assert [result.loss for result in whole.history] == [result.loss for result in resumed.history]
    assert (whole.best_epoch, whole.best_value) == (resumed.best_epoch, resumed.best_value)
    assert (whole.model, whole.calibration) == (resumed.model, resumed.calibration)
    assert (whole.calibration is not None) == recipe.calibrate_completion


def test_finished_checkpoint_trains_no_further(tmp_path: Path) -> None:
    first = train_network(MODEL, RECIPE, ring_data(), checkpoint=tmp_path / "checkpoint")
    seen: list[EpochResult] = []
    again = train_network(MODEL, RECIPE, ring_data(), checkpoint=tmp_path / "checkpoint", on_epoch=seen.append)
    assert seen == []
    assert same_weights(first, again)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


def test_checkpoint_of_another_recipe_is_refused(tmp_path: Path) -> None:
    train_network(MODEL, RECIPE, ring_data(), checkpoint=tmp_path / "checkpoint")
    other = RECIPE.model_copy(update={"encoder_learning_rate": 0.1})
    with pytest.raises(InvalidGraph, match=r"checkpoint of another training \(run [0-9a-f]{12}.*Remove the file"):
        train_network(MODEL, other, ring_data(), checkpoint=tmp_path / "checkpoint")


def test_checkpoint_of_another_graph_is_refused(tmp_path: Path) -> None:
    train_network(MODEL, RECIPE, ring_data(), checkpoint=tmp_path / "checkpoint")
    with pytest.raises(InvalidGraph, match="model, recipe or graph differ"):
        train_network(MODEL, RECIPE, ring_data(features=torch.rand(60, 2)), checkpoint=tmp_path / "checkpoint")


def test_training_learns_to_rank_the_held_out_chords() -> None:
    data = ring_data()
    result = train_network(ModelConfig(hidden_channels=16), TrainingConfig(epochs=25, batch_size=32), data)
    assert result.history[-1].loss < result.history[0].loss
    assert result.best_value > 0.6  # a constant scorer's MRR against 10 negatives is 1 / 6


@pytest.mark.parametrize("metric", ["mrr", "auc", "average_precision", "hits@5"])
def test_best_epoch_is_that_of_the_one_declared_metric(metric: str) -> None:
    result = train_network(MODEL, RECIPE, ring_data(), selection_metric=metric)
    values = [epoch.metrics[metric] for epoch in result.history]
    assert result.best_value == max(values)
    assert result.best_epoch == values.index(max(values)) + 1


def test_patience_stops_a_training_that_no_longer_improves() -> None:
    frozen = TrainingConfig(epochs=50, encoder_learning_rate=1e-12, predictor_learning_rate=1e-12, patience=2)
    result = train_network(ModelConfig(hidden_channels=8), frozen, ring_data())
    assert result.epochs < 50
    assert result.epochs == result.best_epoch + 2


def test_evaluating_every_second_epoch_still_evaluates_the_last() -> None:
    recipe = TrainingConfig(epochs=3, evaluate_every=2)
    result = train_network(MODEL, recipe, ring_data())
    assert [bool(epoch.metrics) for epoch in result.history] == [False, True, True]


def test_diverged_training_stops_and_says_what_to_change() -> None:
    data = ring_data(features=torch.full((60, 2), 3e38))  # finite, but the first Linear overflows
    with pytest.raises(
        InvalidGraph, match=r"loss became nan in epoch 1, batch 1 of \d+\. Lower training\.encoder_lear"
    ):
        train_network(ModelConfig(hidden_channels=8, standardize_features=False), RECIPE, data)


def test_small_graph_trains_on_all_edges_and_never_loses_them_all() -> None:
    """The published loader drops an incomplete batch: under one batch it trained zero steps, and its loss was NaN."""
    data = ring_data()
    recipe = TrainingConfig(epochs=1, batch_size=10**6)
    assert math.isfinite(train_network(MODEL, recipe, data).history[0].loss)


def test_two_training_edges_are_enough() -> None:
    data = ring_data()
    small = replace(data, train_edges=data.train_edges[:, :2])
    assert math.isfinite(train_network(MODEL, RECIPE, small).history[0].loss)


def test_message_only_edges_are_seen_by_the_encoder_but_never_learned() -> None:
    data = ring_data()
    half = data.train_edges.shape[1] // 2
    split = replace(data, train_edges=data.train_edges[:, :half], message_only_edges=data.train_edges[:, half:])
    assert split.adjacency().num_edges == data.adjacency().num_edges
    assert math.isfinite(train_network(MODEL, RECIPE, split).history[0].loss)


@pytest.mark.parametrize("predictor", ["gae", "ncn", "ncn2", "ncn_diff", "ncnc"])
@pytest.mark.parametrize("encoder", ["puregcn", "puresum", "puremean", "gcn"])
def test_every_architecture_trains(predictor: str, encoder: str) -> None:
    model = ModelConfig(predictor=predictor, encoder=encoder, hidden_channels=8, num_layers=2)
    result = train_network(model, TrainingConfig(epochs=1), ring_data())
    assert math.isfinite(result.history[0].loss)


def test_gradient_clipping_and_several_negatives_train() -> None:
    recipe = TrainingConfig(epochs=1, gradient_clip_norm=1.0, negatives_per_positive=3)
    assert math.isfinite(train_network(MODEL, recipe, ring_data()).history[0].loss)


def test_node_embedding_trains() -> None:
    result = train_network(ModelConfig(hidden_channels=8, node_embedding="only"), RECIPE, ring_data())
    assert result.network.num_ids == 60


def test_scores_are_calibrated_on_the_validation_pairs_of_the_network_returned() -> None:
    data = ring_data()
    result = train_network(MODEL, RECIPE, data)
    assert result.score_calibration == fit_calibration(*validation_scores(result.network, data, data.adjacency(), None))


def test_calibrated_training_returns_the_network_with_its_constants() -> None:
    recipe = TrainingConfig(epochs=2, calibrate_completion=True)
    result = train_network(ModelConfig(hidden_channels=8), recipe, ring_data())
    assert result.calibration is not None
    chosen = result.calibration.chosen
    assert result.model == result.network.config
    assert (result.model.completion_scale, result.model.completion_alpha) == (chosen.scale, chosen.alpha)
    assert result.value == chosen.value >= result.best_value
    configured = next(trial for trial in result.calibration.trials if trial.alpha == ModelConfig().completion_alpha)
    assert configured.value == result.best_value  # the best epoch's, measured again


def test_calibration_of_a_model_without_completion_is_refused_before_the_first_epoch() -> None:
    seen: list[EpochResult] = []
    recipe = TrainingConfig(epochs=2, calibrate_completion=True)
    with pytest.raises(InvalidGraph, match=r"the predictor is ncn .*Set predictor: ncnc"):
        train_network(ModelConfig(predictor="ncn"), recipe, ring_data(), on_epoch=seen.append)
    assert seen == []


def test_removal_by_pair_of_what_cannot_be_hidden_is_refused_before_the_first_epoch() -> None:
    with pytest.raises(InvalidGraph, match=r"but ncnc sees it once more"):
        train_network(MODEL, RECIPE.model_copy(update={"target_link_removal": "pair"}), ring_data())


def test_metric_that_cannot_be_measured_is_refused_before_the_first_epoch() -> None:
    seen: list[EpochResult] = []
    with pytest.raises(InvalidGraph, match=r"hits@1000 needs at least 1000 validation negatives"):
        train_network(MODEL, RECIPE, ring_data(), selection_metric="hits@1000", on_epoch=seen.append)
    assert seen == []


def test_ncnc_goes_on_from_a_trained_ncn() -> None:
    """With nothing more to learn it starts where NCN ended; another recipe's checkpoint is not its own."""
    ncn = train_network(MODEL.model_copy(update={"predictor": "ncn"}), RECIPE, ring_data())
    frozen = TrainingConfig(epochs=1, encoder_learning_rate=0, predictor_learning_rate=1e-12)
    warm = train_network(MODEL, frozen, ring_data(), initial_weights=ncn.network.state_dict())
    cold = train_network(MODEL, frozen, ring_data())
    theirs = ncn.network.state_dict()
    assert all(torch.allclose(theirs[name], weight) for name, weight in warm.network.state_dict().items())
    assert not same_weights(warm, cold)


BOUNDED = RECIPE.model_copy(update={"valid_pairs": 60, "calibrate_completion": True})  # 5 of 18 edges


def test_bound_that_leaves_no_validation_edge_out_changes_nothing() -> None:
    recipe = RECIPE.model_copy(update={"calibrate_completion": True})
    whole = train_network(MODEL, recipe, ring_data())
    bounded = train_network(MODEL, recipe.model_copy(update={"valid_pairs": 18 * 11}), ring_data())
    assert same_weights(whole, bounded)
    assert bounded.sample is None
    assert [one.metrics for one in whole.history] == [one.metrics for one in bounded.history]
    assert bounded.calibration == whole.calibration


def test_sample_chooses_the_epoch_and_what_it_chose_is_measured_on_all(tmp_path: Path) -> None:
    data = ring_data()
    result = train_network(MODEL, BOUNDED, data, checkpoint=tmp_path / "kept")
    whole = train_network(MODEL, BOUNDED.model_copy(update={"valid_pairs": None}), data)
    assert [one.loss for one in result.history] == [one.loss for one in whole.history]  # the draw is no part of it
    assert result.sample is not None
    assert (result.sample.edges, result.sample.of) == (5, 18)
    best = result.history[result.best_epoch - 1]
    assert result.sample.standard_error == best.standard_error > 0
    scores = validation_scores(result.network, data, data.adjacency())
    assert result.value == pytest.approx(float(reciprocal_ranks(scores[0], scores[1].view(18, 10)).mean()))
    assert result.score_calibration == fit_calibration(*scores)
    assert result.calibration is not None
    assert result.calibration.chosen.value == result.value
    again = train_network(MODEL, BOUNDED, data, checkpoint=tmp_path / "kept")
    assert (again.sample, again.history) == (result.sample, result.history)


def test_calibration_that_is_worse_on_all_validation_edges_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample that likes a completion which all the edges together do not."""
    data, configured = ring_data(), RECIPE.model_copy(update={"valid_pairs": 60})
    plain = train_network(MODEL, configured, data)
    monkeypatch.setattr(run_module, "calibrate_completion", liking_the_worst)
    result = train_network(MODEL, BOUNDED, data)
    assert result.value == plain.value
    assert result.model == plain.model


def liking_the_worst(network: Any, data: TrainingData, *asked: Any, **options: Any) -> Any:
    _, found = calibrate_completion(network, data, *asked)  # on all edges
    worst = min(found.trials, key=lambda trial: trial.value)
    changed = with_completion(network, scale=worst.scale, offset=worst.offset, alpha=worst.alpha)
    return changed, replace(found, chosen=worst)


def test_work_is_told_in_pairs_until_all_is_done() -> None:
    heard: list[WorkDone] = []
    train_network(MODEL, BOUNDED, ring_data(), on_work=heard.append)
    assert list(dict.fromkeys(one.part for one in heard)) == ["training", "validating", "calibrating", "confirming"]
    assert [one.done for one in heard] == sorted(one.done for one in heard)
    assert heard[-1].done == heard[-1].total == 4 * (102 * 2 + 55) + 55 + 18 * 11
    assert {one.total for one in heard} == {heard[-1].total}
