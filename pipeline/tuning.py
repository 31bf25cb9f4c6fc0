"""A search for better hyper-parameters: trials on a night's training and validation edges, never on its test edges."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import optuna
import yaml
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, Trial, TrialState

from ncnc_core.errors import InvalidGraph
from ncnc_core.training import EpochResult, TrainingData, train_network
from pipeline import compute
from pipeline.doors import Doors
from pipeline.errors import InvalidInput
from pipeline.params import Params
from pipeline.records import EdgeSplit
from pipeline.run_data import features_for, snapshot_tables, split_arrays
from pipeline.run_folder import RunFolder
from pipeline.search_space import SearchSpace, Value, fragment, with_values
from pipeline.steps.train import training_data

logger = logging.getLogger(__name__)

FOLDER = "tuning"
TUNED_FILE = "tuned_params.yaml"
ENDED = (TrialState.COMPLETE, TrialState.PRUNED)
HEARTBEAT_SECONDS = 60
STARTUP_TRIALS = 8  # drawn at random before the search learns, and before it cuts a trial short


@dataclass(frozen=True)
class Tuned:
    """What a search has found: the best trial's values, its validation metric, and that of the present parameters."""

    study: str
    metric: str
    trials: int
    pruned: int
    failed: int
    best: float
    baseline: float | None
    values: dict[str, Value]
    params_file: Path


def tune(
    folder: RunFolder,
    params: Params,
    space: SearchSpace,
    *,
    trials: int,
    seconds: float | None,
    doors: Doors,
    on_trial: Callable[[FrozenTrial], None] = lambda trial: None,
) -> Tuned:
    """Search until there are `trials` trials, those of earlier calls counted, or the time is over.

    The first trial has the present parameters. The same space, split and parameters are the same study: a killed
    search goes on, the trial it died in begins anew, and as each trial's draw hangs on its number and on the trials
    before it, it comes to what an undisturbed one would.

    Raises:
        InvalidInput: no trial ended well.
    """
    device = compute.use(params.resources)
    data = tuning_data(folder, doors)
    name = study_name(folder, params, space)
    study = optuna.create_study(
        study_name=name, storage=_storage(folder, doors), direction="maximize", load_if_exists=True
    )
    _end_orphans(study)
    search = doors.registry.open_search(folder.graph, name, folder.name)
    deadline = None if seconds is None else time.monotonic() + seconds
    while len(_ended(study)) < trials and (deadline is None or time.monotonic() < deadline):
        trial, history = _next(study, space, params), list[tuple[int, float]]()
        outcome = _run(study, trial, space, params, data, device, history)
        found = study.get_trials(deepcopy=False)[trial.number]
        doors.registry.log_trial(
            folder.graph, search, name, trial.number, params=found.params, history=history, outcome=outcome
        )
        on_trial(found)
    tuned = _found(study, folder, params, space)
    doors.registry.close_search(search, best=tuned.best, trials=tuned.trials)
    return tuned


def tuning_data(folder: RunFolder, doors: Doors) -> TrainingData:
    """Return what a trial may see: training and validation pairs. Of the test pairs it is handed none."""
    split, tables = folder.get(EdgeSplit), snapshot_tables(folder, doors)
    arrays = split_arrays(folder, doors)
    return training_data(tables, arrays.without_test(), features_for(tables, split, "training"))


def study_name(folder: RunFolder, params: Params, space: SearchSpace) -> str:
    """Return the name that a search of this space on this split, from these parameters, always has."""
    split, start = folder.get(EdgeSplit).sha256, params.train.model_dump_json()
    digest = hashlib.sha256(f"{split}\n{start}\n{space.model_dump_json()}\n".encode()).hexdigest()
    return f"{folder.name}-{digest[:12]}"


def _storage(folder: RunFolder, doors: Doors) -> BaseStorage:
    url = doors.environment.tuning_storage
    if url is not None:
        return RDBStorage(url, heartbeat_interval=HEARTBEAT_SECONDS)
    path = folder.path / FOLDER / "journal.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(str(path)))


def _end_orphans(study: optuna.Study) -> None:
    """Fail the trials that a killed search left running; with a shared database only those without a heartbeat."""
    if isinstance(study._storage, JournalStorage):  # the run folder's own journal has one writer
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            study.tell(trial.number, state=TrialState.FAIL)
        return
    optuna.storages.fail_stale_trials(study)


def _ended(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=ENDED)


def _next(study: optuna.Study, space: SearchSpace, params: Params) -> Trial:
    """Ask for the next trial; what it draws hangs on how many have ended, not on who drew before."""
    number = len(_ended(study))
    seed = params.train.training.seed * 100_003 + number
    study.sampler = optuna.samplers.TPESampler(seed=seed % 2**32, n_startup_trials=STARTUP_TRIALS)
    study.pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS, n_warmup_steps=2)
    present = space.present(params.train)
    if number == 0 and present is not None:
        study.enqueue_trial(present, skip_if_exists=False)
    return study.ask()


def _run(
    study: optuna.Study,
    trial: Trial,
    space: SearchSpace,
    params: Params,
    data: TrainingData,
    device: object,
    history: list[tuple[int, float]],
) -> str:
    """Train one trial and tell the study what came of it."""
    metric = params.train.selection_metric

    def report(result: EpochResult) -> None:
        if metric in result.metrics:
            history.append((result.epoch, result.metrics[metric]))
            trial.report(result.metrics[metric], result.epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

    with _told(study, trial) as told:
        drawn = with_values(params, space.draw(trial)).train
        trained = train_network(
            drawn.model, drawn.training, data, selection_metric=metric, on_epoch=report, device=str(device)
        )
        study.tell(trial, trained.value)
        told.append("completed")
    return told[0]


@contextmanager
def _told(study: optuna.Study, trial: Trial) -> Iterator[list[str]]:
    """Tell the study of a trial that is cut short, or that cannot be trained; the search goes on."""
    told: list[str] = []
    try:
        yield told
    except optuna.TrialPruned:
        study.tell(trial, state=TrialState.PRUNED)
        told.append("pruned")
    except (InvalidGraph, InvalidInput) as error:
        logger.warning("trial %d cannot be trained: %s", trial.number, error)
        # Pruned, not failed: it has ended, and a search that met it again for ever would never end.
        study.tell(trial, state=TrialState.PRUNED)
        told.append("failed")


def _found(study: optuna.Study, folder: RunFolder, params: Params, space: SearchSpace) -> Tuned:
    ended = _ended(study)
    complete = [trial for trial in ended if trial.state == TrialState.COMPLETE and trial.value is not None]
    if not complete:
        raise InvalidInput(
            f"None of {len(ended)} trials ended well. Raise --trials or --timeout, or narrow the search space."
        )
    best = max(complete, key=lambda trial: (trial.value or 0.0, -trial.number))
    path = folder.path / FOLDER / TUNED_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(fragment(best.params), sort_keys=False))
    baseline = complete[0].value if complete[0].params == space.present(params.train) else None
    failed = study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
    return Tuned(
        study=study.study_name,
        metric=params.train.selection_metric,
        trials=len(ended),
        pruned=len(ended) - len(complete),
        failed=len(failed),
        best=float(best.value or 0.0),
        baseline=baseline,
        values=dict(best.params),
        params_file=path,
    )
