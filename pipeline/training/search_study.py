"""A search as Optuna keeps it: in the run folder or a database, killed and opened again, each draw by its number."""

from __future__ import annotations

import fcntl
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import optuna
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from pipeline.credentials import public
from pipeline.errors import InvalidInput, OutsideTrouble
from pipeline.training.search_space import Value

JOURNAL, LOCK = "journal.log", "journal.in_use"
ENDED = (TrialState.COMPLETE, TrialState.PRUNED)
DRAWN = (*ENDED, TrialState.RUNNING)
HEARTBEAT_SECONDS = 60  # a trial in a database without a heartbeat for twice this time was killed
STARTUP_TRIALS = 8  # drawn at random before the search learns, and before it cuts a trial short
REFUSED = "refused"  # why a trial could not be trained


@contextmanager
def opened_study(name: str, folder: Path, url: str | None) -> Iterator[optuna.Study]:
    """Open a search, begun if there is none of the name yet: in a database by its URL, or in a folder of one's own.

    In a folder, what an earlier call left running was killed with it. In a database it may be another machine's, and
    Optuna fails it once its heartbeat is old.

    Raises:
        InvalidInput: the URL is no database's, or another call is at work in the folder.
        OutsideTrouble: the database does not answer.
    """
    if url is not None:
        yield _study(name, _database(url))
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InvalidInput(
                f"Another search is at work in {folder}. Wait for it, or let several share a database: set "
                f"NCNC_TUNE_STORAGE=postgresql://... for each of them."
            ) from error
        study = _study(name, JournalStorage(JournalFileBackend(str(folder / JOURNAL))))
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            study.tell(trial.number, state=TrialState.FAIL)
        yield study


def ended(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that came to an end: trained, cut short, or refused."""
    return study.get_trials(deepcopy=False, states=ENDED)


def prepare_next(study: optuna.Study, *, seed: int, first: Mapping[str, Value] | None) -> None:
    """Prepare the next trial: what it draws depends on how many were drawn, not on which process drew them.

    The very first one has the values of `first`, where there are any.
    """
    number = len(study.get_trials(deepcopy=False, states=DRAWN))
    study.sampler = optuna.samplers.TPESampler(seed=(seed * 100_003 + number) % 2**32, n_startup_trials=STARTUP_TRIALS)
    study.pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS, n_warmup_steps=2)
    waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
    if number == 0 and first is not None and not waiting:
        study.enqueue_trial(dict(first))


def outcome_of(trial: FrozenTrial) -> str:
    """Return what came of a trial, as MLflow's page shows it."""
    if trial.state == TrialState.COMPLETE:
        return "completed"
    return "refused" if REFUSED in trial.user_attrs else "pruned"


def _study(name: str, storage: BaseStorage) -> optuna.Study:
    return optuna.create_study(study_name=name, storage=storage, direction="maximize", load_if_exists=True)


def _database(url: str) -> RDBStorage:
    shown = public(url)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return RDBStorage(url, heartbeat_interval=HEARTBEAT_SECONDS)
    except (ArgumentError, ImportError) as error:
        raise InvalidInput(
            f"NCNC_TUNE_STORAGE is {shown!r}, which is no database that searches can be kept in. Give a URL such as "
            f"postgresql://user@host/database, or leave it empty: the run folder keeps them."
        ) from error
    except (SQLAlchemyError, StorageInternalError) as error:
        raise OutsideTrouble(
            f"The database of searches at {shown} does not answer. Start it, or set NCNC_TUNE_STORAGE anew."
        ) from error
