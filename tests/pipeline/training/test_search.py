"""One small search: it goes on where it was killed, cuts trials short, and never sees a test edge."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from types import SimpleNamespace

import optuna
import pytest
import torch
from optuna.trial import Trial

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.random_spatial_network import NetworkDay
from ncnc_core.training.checkpoint import EpochResult
from pipeline.errors import InvalidInput
from pipeline.params.params import Params
from pipeline.runs.folder import RunFolder
from pipeline.splits.arrays import SplitArrays
from pipeline.training import search as tuning
from pipeline.training import search_study
from pipeline.training.recipe import chosen_recipe
from pipeline.training.search_space import TEMPORAL_SPACE, Domain, SearchSpace
from tests.fixtures.house import House

SPACE = SearchSpace(
    parameters={
        "training.encoder_learning_rate": Domain(low=1e-5, high=0.05, log=True),
        "model.hidden_channels": Domain(choices=(8, 16)),
    }
)
TRIALS = 5


def found(study: str, folder: RunFolder) -> list[tuple[object, ...]]:
    path = str(folder.path / "tuning" / "journal.log")
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(path))
    trials = optuna.load_study(study_name=study, storage=storage).trials
    return [(one.params, one.state, one.value, one.intermediate_values) for one in trials if one.state.name != "FAIL"]


@pytest.mark.slow
def test_a_killed_search_goes_on_to_the_same_end_and_the_test_edges_do_not_matter(
    house: House, days: list[NetworkDay], monkeypatch: pytest.MonkeyPatch
) -> None:
    house.deliver(1, days[0])
    assert [house.step(name, 1) for name in ("snapshot", "split")] == [0, 0]
    folder, doors = RunFolder(house.run_dir(1), house.doors.registry), house.doors
    frozen = folder.frozen_params()
    short = frozen.train.training.model_copy(update={"epochs": 3})
    params = frozen.model_copy(update={"train": frozen.train.model_copy(update={"training": short})})
    monkeypatch.setattr(search_study, "STARTUP_TRIALS", 2)

    whole = tuning.tune(folder, params, SPACE, trials=TRIALS, seconds=None, doors=doors)
    undisturbed = found(whole.study, folder)
    assert whole.trials == TRIALS
    assert whole.baseline is not None
    assert whole.best >= whole.baseline  # the first trial has the present parameters
    assert Params.load(whole.params_file).train.model.hidden_channels == whole.values["model.hidden_channels"]

    # In MLflow: one run for the search, below it one for each trial with its validation curve.
    client = doors.registry.server.client
    experiment = client.get_experiment_by_name(house.graph).experiment_id
    runs = client.search_runs([experiment], f"tags.`ncnc.study` = '{whole.study}'")
    nested = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    (search,) = [run for run in runs if run not in nested]
    assert {run.data.tags["mlflow.parentRunId"] for run in nested} == {search.info.run_id}
    assert len(nested) == TRIALS
    assert search.data.metrics["best_valid"] == whole.best
    assert len(client.get_metric_history(nested[-1].info.run_id, "valid")) == 3

    # What a kill kept from MLflow is entered by the next call, which trains nothing.
    client.delete_run(nested[1].info.run_id)
    heard: list[int] = []
    tuning.tune(
        folder,
        params,
        SPACE,
        trials=TRIALS,
        seconds=None,
        doors=doors,
        on_trial=lambda count, trial: heard.append(count),
    )
    assert doors.registry.tuning.entered_trials(house.graph, whole.study) == set(range(TRIALS))
    assert heard == [TRIALS]

    # Once more, killed in its third trial, with test edges that are all wrong.
    shutil.rmtree(folder.path / "tuning")
    load = SplitArrays.load.__func__  # type: ignore[attr-defined]

    def other_test(kind: type[SplitArrays], path: object) -> SplitArrays:
        split: SplitArrays = load(kind, path)
        return SplitArrays(**{**vars(split), "test": torch.full_like(split.test, 7), "test_negatives": split.train})

    monkeypatch.setattr(SplitArrays, "load", classmethod(other_test))
    train, calls = tuning.train_network, []

    def killed_once(*arguments: object, **options: object) -> object:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return train(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(tuning, "train_network", killed_once)
    with pytest.raises(KeyboardInterrupt):
        tuning.tune(folder, params, SPACE, trials=TRIALS, seconds=None, doors=doors)
    again = tuning.tune(folder, params, SPACE, trials=TRIALS, seconds=None, doors=doors)
    assert found(again.study, folder) == undisturbed

    # The study is over: asking for as many trials again trains nothing; another space is another study.
    before = len(calls)
    assert tuning.tune(folder, params, SPACE, trials=TRIALS, seconds=None, doors=doors).best == again.best
    assert len(calls) == before
    wider = SPACE.model_copy(update={"parameters": {"model.beta": Domain(low=0.5, high=2)}})
    assert tuning.study_name(folder, params, wider) != again.study
    with pytest.raises(InvalidInput, match=r"None of 0 trials ended well\. Raise --trials or --timeout"):
        tuning.tune(folder, params, wider, trials=3, seconds=0.0, doors=doors)

    # A trial that runs when the time is over is ended, and is none that has ended.
    before, clock = len(calls), iter([0.0, 0.0, 1.0, 9.0, 9.0])  # begun, asked for, epoch 1, epoch 2, asked for
    monkeypatch.setattr(tuning, "elapsed_seconds", lambda: next(clock))
    with pytest.raises(InvalidInput, match="None of 0 trials ended well"):
        tuning.tune(folder, params, wider, trials=3, seconds=5.0, doors=doors)
    monkeypatch.undo()

    # A trial that cannot be trained is no end of the search.
    huge = SPACE.model_copy(update={"parameters": {"training.encoder_learning_rate": Domain(choices=(1e30, 0.01))}})
    kept = tuning.tune(folder, params, huge, trials=4, seconds=None, doors=doors)
    assert kept.pruned >= 1
    assert kept.values["training.encoder_learning_rate"] == 0.01


def test_a_search_beside_a_chosen_recipe_begins_with_it_and_finds_what_overrides_it(
    house: House, days: list[NetworkDay], monkeypatch: pytest.MonkeyPatch
) -> None:
    house.read_times({"recipe": "auto", "training": {"epochs": 1, "windows": 2}})
    house.deliver(1, days[0], dated=True)
    assert [house.step(name, 1) for name in ("snapshot", "split")] == [0, 0]
    folder, doors = RunFolder(house.run_dir(1), house.doors.registry), house.doors
    params = folder.frozen_params()
    trained: list[tuple[ModelConfig, TrainingConfig]] = []
    train = tuning.train_network

    def heard(model: ModelConfig, training: TrainingConfig, *arguments: object, **options: object) -> object:
        trained.append((model, training))
        return train(model, training, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(tuning, "train_network", heard)
    space = SearchSpace(
        parameters={
            "model.hidden_channels": Domain(choices=(8, 32)),
            "training.windows": Domain(low=1, high=3, integer=True),
        }
    )
    found = tuning.tune(folder, params, space, trials=2, seconds=None, doors=doors)
    model, training = trained[0]
    assert (found.recipe, found.predictor, found.trials) == ("auto", "temporal_ncn", 2)
    # The first trial is the recipe as it is chosen for this graph with what params.yaml sets, but is not refitted.
    chosen = chosen_recipe(params.train, tuning.tuning_data(folder, doors)).params
    assert (model, training) == (chosen.model, chosen.training.model_copy(update={"refit": False}))
    assert (model.hidden_channels, training.windows, training.negatives_per_positive) == (32, 2, 8)
    assert found.baseline is not None
    assert {one.epochs for _, one in trained} == {1}  # what is set beside the recipe and not searched stays
    written = Params.load(found.params_file).train
    assert written.recipe == "auto"
    assert written.overrides() == (
        {"hidden_channels": found.values["model.hidden_channels"]},
        {"windows": found.values["training.windows"]},
    )


def test_without_a_space_the_one_of_the_chosen_predictor_is_searched_and_no_trial_is_cut_short(
    house: House, days: list[NetworkDay], monkeypatch: pytest.MonkeyPatch
) -> None:
    house.read_times({"recipe": "auto"})
    house.deliver(1, days[0], dated=True)
    assert [house.step(name, 1) for name in ("snapshot", "split")] == [0, 0]
    folder, doors = RunFolder(house.run_dir(1), house.doors.registry), house.doors

    def two_epochs(*_: object, on_epoch: Callable[[EpochResult], None], **__: object) -> object:
        for epoch in (4, 8):
            on_epoch(EpochResult(epoch, 1.0, {"mrr": 0.1}, 0.0))
        return SimpleNamespace(value=0.1)

    monkeypatch.setattr(tuning, "train_network", two_epochs)
    monkeypatch.setattr(Trial, "should_prune", lambda _: True)
    found = tuning.tune(folder, folder.frozen_params(), trials=3, seconds=None, doors=doors)
    assert set(found.values) == set(TEMPORAL_SPACE.parameters)
    assert (found.trials, found.pruned) == (3, 0)
    # A model that reads no times keeps its rate, and is compared with others after each epoch.
    asked = Params.model_validate({"train": {"recipe": "auto", "model": {"predictor": "ncn"}}})
    with pytest.raises(InvalidInput, match="None of 2 trials ended well"):
        tuning.tune(folder, asked, trials=2, seconds=None, doors=doors)
