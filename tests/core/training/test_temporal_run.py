from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.event_history import FOREVER, EventHistory
from ncnc_core.networks.scoring import node_levels, score_pairs
from ncnc_core.networks.temporal_network import TemporalNetwork
from ncnc_core.splits.negatives import corrupted_negatives
from ncnc_core.temporal.pair_features import pair_features
from ncnc_core.temporal.timed_graph import TimedGraph
from ncnc_core.training.checkpoint import EpochResult
from ncnc_core.training.data import TemporalData, TrainingData
from ncnc_core.training.temporal_run import TemporalRun
from ncnc_core.training.trained_network import train_network
from ncnc_core.training.work import WorkDone
from tests.fixtures.evolving_graphs import active_groups

MODEL = ModelConfig(predictor="temporal_ncn", hidden_channels=4, predictor_dropout=0.2)
TRAINING = TrainingConfig(
    epochs=2, batch_size=32, windows=2, loss="listwise", negatives_per_positive=2, gradient_clip_norm=1.0,
    predictor_learning_rate=0.01,
)  # fmt: skip
ENDS, TIME = active_groups(nodes=40, edges=240, group=12)
CUT_TRAIN, CUT_VALID = int(TIME[209]), int(TIME[239])
Weights = dict[str, torch.Tensor]


def divided(
    ends: torch.Tensor = ENDS, time: torch.Tensor = TIME, features: torch.Tensor | None = None, nodes: int = 40
) -> TrainingData:
    history = EventHistory.of_events(ends, time, nodes)
    valid = history.fresh(CUT_TRAIN, CUT_VALID)
    known, generator = history.keys_until(CUT_VALID), torch.Generator().manual_seed(0)
    return TrainingData(
        num_nodes=nodes,
        features=features,
        train_edges=history.graph_at(CUT_TRAIN).edges(),
        forbidden_keys=history.keys_until(CUT_TRAIN),
        valid_edges=valid,
        valid_negatives=corrupted_negatives(valid, 5, known, generator, num_nodes=nodes),
        times=TemporalData(history, CUT_TRAIN, CUT_VALID),
    )


def run_of(data: TrainingData | None = None, initial_weights: Weights | None = None, **recipe: Any) -> TemporalRun:
    torch.manual_seed(0)
    training = TRAINING.model_copy(update=recipe)
    return TemporalRun(MODEL, training, data or divided(), "mrr", torch.device("cpu"), initial_weights)


def finished(run: TemporalRun) -> TemporalRun:
    while not run.progress.finished:
        run.epoch()
    return run


def weights(run: TemporalRun) -> Weights:
    return {name: one.clone() for name, one in run.phase.network.state_dict().items()}


def same(first: Weights, second: Weights) -> bool:
    assert first.keys() == second.keys()
    return all(torch.equal(first[name], second[name]) for name in first)


SCALES = ("window", "node_scale.mean", "node_scale.rate", "pair_scale.mean", "pair_scale.rate", "pair_scale.knots")


def test_the_same_seed_gives_the_same_weights_and_another_one_others() -> None:
    first, second, other = (
        train_network(MODEL, TRAINING.model_copy(update={"seed": seed}), divided()) for seed in (0, 0, 1)
    )
    assert same(first.network.state_dict(), second.network.state_dict())
    assert [one.loss for one in first.history] == [one.loss for one in second.history]
    assert not same(first.network.state_dict(), other.network.state_dict())
    assert len(first.history) == 4
    assert (first.best_epoch, first.best_value) == (2, first.history[1].metrics["mrr"])


def test_both_phases_tell_of_the_windows_that_they_read_before_they_train() -> None:
    heard: list[WorkDone] = []
    trained = train_network(MODEL, TRAINING, divided(), on_work=heard.append)
    told = [(one.done, one.total) for one in heard if one.part == "reading"]
    first, second = told[0][1], told[-1][1]  # of each window the graph, and then the rows
    assert second == 2 * len(trained.windows)
    assert told == [*((done, first) for done in range(first)), *((done, second) for done in range(second))]
    order = [one.part for one in heard]
    assert order[0] == "reading"
    assert order[-1] == "training"


@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("after", [1, 2, 3, 4])  # in the first phase, at its end, in the second, at the end of all
def test_an_interrupted_training_goes_on_bit_for_bit(after: int, refit: bool) -> None:
    if after > 2 and not refit:
        after = 2
    whole = finished(run_of(refit=refit))
    stopped = run_of(refit=refit)
    for _ in range(after):
        stopped.epoch()
    tensors, progress = deepcopy(stopped.tensors()), deepcopy(stopped.progress)
    torch.manual_seed(99)  # another process draws other numbers
    resumed = TemporalRun(MODEL, stopped.training, divided(), "mrr", torch.device("cpu"), None)
    resumed.load(tensors, progress)
    finished(resumed)
    assert same(weights(resumed), weights(whole))
    assert [one.loss for one in resumed.progress.history] == [one.loss for one in whole.progress.history]
    assert all(torch.equal(*pair) for pair in zip(resumed.validation_scores(), whole.validation_scores(), strict=True))


@pytest.mark.parametrize("stopped_after", [1, 2, 3])
def test_a_training_that_is_killed_goes_on_from_its_file(tmp_path: Path, stopped_after: int) -> None:
    class Killed(Exception):
        pass

    def killer(result: EpochResult) -> None:
        if result.epoch == stopped_after:
            raise Killed

    whole = train_network(MODEL, TRAINING, divided())
    with pytest.raises(Killed):
        train_network(MODEL, TRAINING, divided(), checkpoint=tmp_path / "kept", on_epoch=killer)
    again = train_network(MODEL, TRAINING, divided(), checkpoint=tmp_path / "kept")
    assert same(again.network.state_dict(), whole.network.state_dict())
    assert again.score_calibration == whole.score_calibration
    done = train_network(MODEL, TRAINING, divided(), checkpoint=tmp_path / "kept")
    assert same(done.network.state_dict(), whole.network.state_dict())
    later = divided(time=torch.cat([TIME[:-1], TIME[-1:] - 1]))
    with pytest.raises(InvalidGraph, match=r"kept is the checkpoint of another training"):
        train_network(MODEL, TRAINING, later, checkpoint=tmp_path / "kept")


# The validation edges are others, between nodes that training never saw, with a hub among them; as many of them.
PLANTED = torch.cat([ENDS[:, :210], torch.stack([torch.full((30,), 40), torch.arange(30) + 41])], 1)


def test_what_came_after_the_training_cut_changes_nothing_before_refit() -> None:
    found = []
    for ends in (ENDS, PLANTED):
        run = run_of(divided(ends, nodes=80))
        before = weights(run), run.phase.pairs.values
        losses = [run.epoch().loss, run.epoch().loss]
        found.append((before, losses, weights(run), run))
    (first, losses, _, one), (second, others, _, two) = found
    assert same(first[0], second[0])  # the scales among them
    assert torch.equal(first[1], second[1])
    assert losses == others
    assert not torch.equal(*(run.phase.network.pair_scale.mean for run in (one, two)))  # of the second phase, which saw


def test_the_scales_are_those_of_the_windows_pairs_and_graphs() -> None:
    run = run_of()
    values = run.phase.pairs.values
    torch.testing.assert_close(run.phase.network.pair_scale.mean, values.mean(0), atol=1e-4, rtol=1e-4)
    assert torch.equal(run.phase.network.pair_scale.knots[:, 0], values.amin(0))
    assert torch.equal(run.phase.network.pair_scale.knots[:, -1], values.amax(0))
    assert float(run.phase.network.window) == 30  # new edges of the validation window
    before = weights(run)
    run.epoch()
    assert all(torch.equal(before[name], weights(run)[name]) for name in SCALES)


def test_refit_learns_from_the_validation_window_and_begins_from_the_start() -> None:
    run, data = run_of(windows=1), divided()
    first = run.phase
    assert first.valid is not None
    assert all(run.epoch().metrics.keys() >= {"mrr", "auc"} for _ in range(2))
    assert run.phase is not first
    assert run.phase.valid is None
    graph = TimedGraph.of(run.times.history.graph_at(CUT_TRAIN), 30.0)
    learned = run.phase.pairs.values[::3]  # of the positives: two negatives each
    assert torch.equal(learned.sort(0).values, pair_features(graph, data.valid_edges).values.sort(0).values)
    scored = run.validation_scores()
    assert run.epoch().metrics == {}
    assert not run.progress.finished
    run.epoch()
    assert run.progress.finished
    assert all(
        torch.equal(*pair) for pair in zip(run.validation_scores(), scored, strict=True)
    )  # as before it saw them


def test_without_refit_the_validation_window_is_never_learned() -> None:
    first, second = (finished(run_of(divided(ends, nodes=80), refit=False)) for ends in (ENDS, PLANTED))
    assert len(first.progress.history) == 2
    assert same(weights(first), weights(second))
    assert first.trained() is first.phase.network
    assert not first.trained().training


def test_validation_scores_are_those_that_are_served_on_the_graph_of_the_training_cut() -> None:
    run, data = finished(run_of(refit=False)), divided()
    graph = run.times.history.graph_at(CUT_TRAIN)
    levels = node_levels(run.trained(), None, graph)
    for found, pairs in zip(run.validation_scores(), (data.valid_edges, data.valid_negatives), strict=True):
        torch.testing.assert_close(found, score_pairs(run.trained(), levels, graph, pairs), atol=1e-5, rtol=1e-5)


def test_a_training_that_begins_with_other_weights_keeps_their_scales() -> None:
    source = finished(run_of())
    started = run_of(None, weights(source), windows=1)
    assert same(weights(started), weights(source))
    started.epoch()
    assert all(torch.equal(weights(started)[name], weights(source)[name]) for name in SCALES)
    assert not torch.equal(weights(started)["head.beta"], weights(source)["head.beta"])
    with pytest.raises(InvalidGraph, match=r"initial_weights do not fit the model: 1 of"):
        run_of(None, {name: one for name, one in weights(source).items() if name != "window"})


def test_node_features_are_learned_from_and_their_scale_is_that_of_nodes_with_edges() -> None:
    features = torch.rand(60, 3, generator=torch.Generator().manual_seed(0)) * 1000
    run = run_of(divided(features=features, nodes=60))
    assert run.phase.network.standard is not None
    seen = run.data.adjacency().degree > 0  # the nodes that training sees
    torch.testing.assert_close(run.phase.network.standard.mean, features[seen].mean(0))
    assert finished(run).trained().num_features == 3


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_with_what_to_change(value: float) -> None:
    run = run_of()
    with torch.no_grad():
        run.phase.network.feature_weight.bias.fill_(value)
    with pytest.raises(
        InvalidGraph, match=r"loss became (nan|inf) in epoch 1\. Lower training\.predictor_learning_rate, set training"
    ):
        run.epoch()


def test_a_history_that_knows_what_came_later_is_refused() -> None:
    history = EventHistory.of_events(ENDS, TIME, 40)
    with pytest.raises(
        InvalidGraph, match=rf"goes on until {CUT_VALID}, but training ends at {CUT_TRAIN}\. Give history"
    ):
        TemporalData(history, int(TIME[179]), CUT_TRAIN)
    repeated = EventHistory.of_events(torch.cat([ENDS, ENDS[:, :1]], 1), torch.cat([TIME, TIME[-1:] + 5]), 40)
    with pytest.raises(InvalidGraph, match=rf"goes on until {CUT_VALID + 5}, but training ends at {CUT_VALID}"):
        TemporalData(repeated, CUT_TRAIN, CUT_VALID)
    assert TemporalData(repeated.until(CUT_VALID), CUT_TRAIN, CUT_VALID).cut_valid == CUT_VALID


def test_data_without_times_or_without_negatives_of_its_own_is_refused() -> None:
    whole = divided()
    values = {name: getattr(whole, name) for name in ("num_nodes", "features", "train_edges", "forbidden_keys")}
    values |= {"valid_edges": whole.valid_edges, "valid_negatives": whole.valid_negatives}
    with pytest.raises(InvalidGraph, match=r"the training data has no times\. Give time, or choose the predictor ncnc"):
        run_of(TrainingData(**values))
    shared = TrainingData(**values | {"valid_negatives": whole.valid_negatives[:, :-1]}, times=whole.times)
    with pytest.raises(
        InvalidGraph, match=r"each of the 30 validation edges.* but there are 149\. Give the same number"
    ):
        run_of(shared)


def test_a_temporal_model_is_trained_on_what_it_is() -> None:
    trained = train_network(MODEL, TRAINING, divided(), selection_metric="hits@20")
    assert isinstance(trained.network, TemporalNetwork)
    assert trained.score_calibration is not None
    assert "hits@20" in trained.history[0].metrics
    assert trained.history[-1].metrics == {}


def test_windows_whose_edges_are_all_gone_are_refused() -> None:
    history = EventHistory.of_events(ENDS, TIME, 40)
    gone = replace(history, removed_at=torch.where(history.first_seen <= CUT_TRAIN, history.first_seen, FOREVER))
    whole = divided()
    data = replace(whole, times=TemporalData(gone, CUT_TRAIN, CUT_VALID))
    with pytest.raises(
        InvalidGraph, match=r"none is still there .*Choose the predictor ncnc, .* or wait for more nights"
    ):
        run_of(data)
