from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import optuna
import pytest

from pipeline.errors import InvalidInput, OutsideTrouble
from pipeline.training import search_study
from pipeline.training.search_study import ended, opened_study, outcome_of, prepare_next


def drawn(study: optuna.Study, value: float = 0.0) -> float:
    prepare_next(study, seed=3, first={"x": 0.25})
    trial = study.ask()
    x = trial.suggest_float("x", 0, 1)
    study.tell(trial, value + x)
    return x


def test_a_search_opened_again_draws_what_it_would_have_drawn(tmp_path: Path) -> None:
    with opened_study("s", tmp_path / "whole", None) as study:
        whole = [drawn(study) for _ in range(5)]
    assert whole[0] == 0.25  # it begins with the present values
    parts = []
    for _ in range(5):
        with opened_study("s", tmp_path / "parts", None) as study:
            parts.append(drawn(study))
            prepare_next(study, seed=3, first={"x": 0.25})
            study.ask()  # and killed in the next
    assert parts == whole
    with opened_study("s", tmp_path / "parts", None) as study:
        assert (len(ended(study)), len(study.trials)) == (5, 10)


def test_the_first_values_are_waiting_once_however_often_it_was_killed_before_its_first_trial(tmp_path: Path) -> None:
    for _ in range(3):
        with opened_study("s", tmp_path, None) as study:
            prepare_next(study, seed=3, first={"x": 0.25})
    assert len(study.trials) == 1


def test_two_searches_in_one_folder_are_one_too_many(tmp_path: Path) -> None:
    with (
        opened_study("s", tmp_path, None),
        pytest.raises(InvalidInput, match=r"Another search is at work in .*NCNC_TUNE_STORAGE=postgresql://"),
        opened_study("s", tmp_path, None),
    ):
        pass


def test_in_a_database_only_what_no_heart_beats_for_is_drawn_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, beats = f"sqlite:///{tmp_path / 'searches.db'}", timedelta(seconds=search_study.HEARTBEAT_SECONDS)

    def objective(trial: optuna.Trial) -> float:
        return trial.suggest_float("x", 0, 1)

    class KilledError(BaseException):
        """The machine went away: nothing is told any more."""

    def killed(trial: optuna.Trial) -> float:
        raise KilledError

    with opened_study("s", tmp_path, url) as study:
        for _ in range(2):
            prepare_next(study, seed=3, first=None)
            with pytest.raises(KilledError):
                study.optimize(killed, n_trials=1)
    with sqlite3.connect(tmp_path / "searches.db") as database:  # the first of them a while ago
        changed = database.execute(
            "update trial_heartbeats set heartbeat = datetime(heartbeat, ?) where trial_id = 1",
            (f"-{3 * beats.seconds} seconds",),
        )
        assert changed.rowcount == 1
    with opened_study("s", tmp_path, url) as study:
        study.optimize(objective, n_trials=1)
        assert [trial.state.name for trial in study.trials] == ["FAIL", "RUNNING", "COMPLETE"]
    assert not (tmp_path / search_study.JOURNAL).exists()


@pytest.mark.parametrize("url", ["searches.db", "nosuch://a@b/c"])
def test_what_is_no_database_is_refused_with_an_example(tmp_path: Path, url: str) -> None:
    with (
        pytest.raises(InvalidInput, match=rf"NCNC_TUNE_STORAGE is .*{url[:6]}.*Give a URL such as postgresql://"),
        opened_study("s", tmp_path, url),
    ):
        pass


def test_a_database_that_does_not_answer_is_trouble_outside_and_its_password_stays_unsaid(tmp_path: Path) -> None:
    with (
        pytest.raises(OutsideTrouble, match=r"postgresql://127\.0\.0\.1:1/none does not answer\. Start it") as caught,
        opened_study("s", tmp_path, "postgresql://me:secret@127.0.0.1:1/none"),
    ):
        pass
    assert "secret" not in str(caught.value)


def test_an_outcome_tells_what_fell_behind_from_what_could_not_be_trained() -> None:
    study = optuna.create_study()
    behind, wrong = study.ask(), study.ask()
    wrong.set_user_attr(search_study.REFUSED, "out of bounds")
    for trial in (behind, wrong):
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    study.tell(study.ask(), 1.0)
    assert [outcome_of(trial) for trial in study.trials] == ["pruned", "refused", "completed"]
