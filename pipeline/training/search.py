"""A search for better hyper-parameters: trials on a night's training and validation edges, never on its test edges."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import optuna
import torch
import yaml
from optuna.trial import FrozenTrial, Trial, TrialState

from ncnc_core.errors import InvalidGraph
from ncnc_core.training.checkpoint import EpochResult
from ncnc_core.training.data import TrainingData
from ncnc_core.training.trained_network import train_network
from ncnc_core.whole_file import write_whole
from pipeline.clock import elapsed_seconds
from pipeline.doors import Doors
from pipeline.errors import InvalidInput
from pipeline.params.params import Params
from pipeline.records.chain import EdgeSplit
from pipeline.registry.model_registry import ModelRegistry
from pipeline.runs import compute
from pipeline.runs.data import snapshot_tables, split_arrays
from pipeline.runs.folder import RunFolder
from pipeline.splits.event_times import temporal_data
from pipeline.splits.known_features import features_for
from pipeline.training.night_training import training_data
from pipeline.training.recipe import ChosenRecipe, chosen_recipe
from pipeline.training.search_space import SearchSpace, Value, default_space, fragment, with_values
from pipeline.training.search_study import ENDED, REFUSED, ended, opened_study, outcome_of, prepare_next

logger = logging.getLogger(__name__)
FOLDER = "tuning"
TUNED_FILE = "tuned_params.yaml"


class TimeIsOver(Exception):
    """The time given to a search is over."""


@dataclass(frozen=True)
class Tuned:
    """What a search has found: the best trial's values, its validation metric, and that of the present parameters.

    `trials` have ended, `pruned` of them before their last epoch. `recipe` is the one beside which the values hold, and
    `predictor` what it came to.
    """

    study: str
    recipe: str
    predictor: str
    metric: str
    trials: int
    pruned: int
    best: float
    baseline: float | None
    values: dict[str, Value]
    params_file: Path


@dataclass(frozen=True, eq=False)
class Objective:
    """Trains what a trial draws, and answers the selection metric on validation."""

    space: SearchSpace
    params: Params
    data: TrainingData
    device: torch.device
    deadline: float  # as elapsed_seconds counts

    def __call__(self, trial: Trial) -> float:
        """Train one trial; one that cannot be trained is cut short with its reason, so that the search goes on."""
        try:
            # As params.yaml with these values would have it, chosen recipe and all.
            drawn = chosen_recipe(with_values(self.params, self.space.draw(trial)).train, self.data).params
            # The learning rate of temporal_ncn follows its number of epochs: after some of them, two trials differ in
            # how far they are, and the longer one would be cut short for it.
            compares = drawn.model.predictor != "temporal_ncn"
            return train_network(
                drawn.model,
                drawn.training.model_copy(update={"refit": False}),  # it comes after what is measured here
                self.data,
                selection_metric=drawn.selection_metric,
                on_epoch=lambda result: self._hear(trial, result, cut_short=compares),
                device=self.device,
            ).value
        except (InvalidGraph, InvalidInput) as error:
            logger.warning("trial %d cannot be trained: %s", trial.number, error)
            trial.set_user_attr(REFUSED, str(error))
            # Pruned, not failed: a failed trial would be drawn again, and refused again, for ever.
            raise optuna.TrialPruned from error

    def _hear(self, trial: Trial, result: EpochResult, *, cut_short: bool) -> None:
        """Report an epoch, and end a trial whose time is over or, where it may be `cut_short`, that falls behind."""
        if elapsed_seconds() > self.deadline:
            raise TimeIsOver
        metric = self.params.train.selection_metric
        if metric in result.metrics:
            trial.report(result.metrics[metric], result.epoch)
            if cut_short and trial.should_prune():
                raise optuna.TrialPruned


def tune(
    folder: RunFolder,
    params: Params,
    space: SearchSpace | None = None,
    *,
    trials: int,
    seconds: float | None,
    doors: Doors,
    on_trial: Callable[[int, FrozenTrial], None] = lambda count, trial: None,
) -> Tuned:
    """Search until `trials` trials have ended, those of earlier calls counted, or the time is over.

    The first trial has the current parameters, as the recipe gives them for this run's graph. Without a space it is the
    default one of the recipe's predictor. The same space, split and parameters make the same study, so a killed
    search continues, and the trial that it was killed in begins again. Each draw depends only on its number and on the
    trials before it, so the result is that of an uninterrupted search. `on_trial` is called with the number of trials
    that have ended, and the trial.

    Raises:
        InvalidInput: no trial ended well.
    """
    deadline = elapsed_seconds() + (float("inf") if seconds is None else seconds)
    data = tuning_data(folder, doors)
    present = chosen_recipe(params.train, data)
    space = space or default_space(present.params.model.predictor)
    objective = Objective(space, params, data, compute.use(params.resources), deadline)
    name = study_name(folder, params, space)
    entered = _Entered(doors.registry, folder.graph, name, folder.name, on_trial)
    with opened_study(name, folder.path / FOLDER, doors.environment.tuning_storage) as study:
        entered.catch_up(study)
        while len(ended(study)) < trials and elapsed_seconds() < deadline:
            prepare_next(study, seed=params.train.training.seed, first=space.present(present.params))
            study.optimize(objective, n_trials=1, catch=(TimeIsOver,), callbacks=[entered.enter])
        found = _found(study, folder, present, space)
    doors.registry.runs.put_file(entered.search, found.params_file, TUNED_FILE)
    doors.registry.tuning.close_search(entered.search, best=found.best, trials=found.trials)
    return found


class _Entered:
    """A search's run in MLflow, where each trial that has ended is entered."""

    def __init__(
        self,
        registry: ModelRegistry,
        graph: str,
        study: str,
        run_name: str,
        on_trial: Callable[[int, FrozenTrial], None],
    ) -> None:
        self._runs, self._graph, self._study, self._on_trial = registry.tuning, graph, study, on_trial
        self.search = registry.tuning.open_search(graph, study, run_name)

    def enter(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Enter a trial that has ended, and tell of it."""
        if trial.state in ENDED:
            self._runs.log_trial(
                self._graph,
                self.search,
                self._study,
                trial.number,
                params=trial.params,
                history=sorted(trial.intermediate_values.items()),
                outcome=outcome_of(trial),
            )
            self._on_trial(len(ended(study)), trial)

    def catch_up(self, study: optuna.Study) -> None:
        """Enter what ended in an earlier call that was killed before it entered the trial."""
        entered = self._runs.entered_trials(self._graph, self._study)
        for trial in ended(study):
            if trial.number not in entered:
                self.enter(study, trial)


def tuning_data(folder: RunFolder, doors: Doors) -> TrainingData:
    """Return what a trial may see: training and validation pairs, and no test pairs."""
    split, tables = folder.get(EdgeSplit), snapshot_tables(folder, doors)
    arrays = split_arrays(folder, doors)
    features = features_for(tables, split, "training")
    return training_data(tables, arrays.without_test(), features, temporal_data(tables, split))


def study_name(folder: RunFolder, params: Params, space: SearchSpace) -> str:
    """Return the name that a search of this space on this split, from these parameters, always has."""
    split, start = folder.get(EdgeSplit).sha256, params.train.model_dump_json()
    digest = hashlib.sha256(f"{split}\n{start}\n{space.model_dump_json()}\n".encode()).hexdigest()
    return f"{folder.name}-{digest[:12]}"


def _found(study: optuna.Study, folder: RunFolder, present: ChosenRecipe, space: SearchSpace) -> Tuned:
    done = ended(study)
    complete = [trial for trial in done if trial.state == TrialState.COMPLETE]
    if not complete:
        raise InvalidInput(
            f"None of {len(done)} trials ended well. Raise --trials or --timeout, or narrow the search space."
        )
    best = max(complete, key=lambda trial: (_value(trial), -trial.number))
    path = folder.path / FOLDER / TUNED_FILE
    write_whole(path, yaml.safe_dump(fragment(best.params, present.name), sort_keys=False))
    return Tuned(
        study=study.study_name,
        recipe=present.name,
        predictor=present.params.model.predictor,
        metric=present.params.selection_metric,
        trials=len(done),
        pruned=len(done) - len(complete),
        best=_value(best),
        baseline=_value(complete[0]) if complete[0].params == space.present(present.params) else None,
        values=dict(best.params),
        params_file=path,
    )


def _value(trial: FrozenTrial) -> float:
    return float("-inf") if trial.value is None else float(trial.value)
