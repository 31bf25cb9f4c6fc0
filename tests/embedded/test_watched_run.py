from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded import watched_run
from embedded.airflow_api import AirflowApi
from embedded.layout import Layout
from embedded.nights import Answer, DemoError
from embedded.processes import Processes, StackError
from embedded.watched_run import WatchedRun
from pipeline.terminal import Terminal

NO = Answer("Reject", "one [more] night")


class Played(AirflowApi):
    """An Airflow that goes from one state of a run to the next each time it is asked; the last one stays."""

    def __init__(self, *states: tuple[str, dict[str, str]]) -> None:
        super().__init__("http://127.0.0.1:9", "admin", "password")
        self.states: Iterator[tuple[str, dict[str, str]]] = iter(states)
        self.answers: list[tuple[str, ...]] = []

    def run_state(self, dag_id: str, run_id: str) -> str:
        self.now = next(self.states, getattr(self, "now", ("running", {})))
        return self.now[0]

    def task_states(self, dag_id: str, run_id: str) -> dict[str, str]:
        return self.now[1]

    def answer(self, dag_id: str, run_id: str, task_id: str, choice: str, reason: str) -> None:
        self.answers.append((dag_id, run_id, task_id, choice, reason))


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WatchedRun:
    monkeypatch.setattr(watched_run, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(watched_run, "READING_SECONDS", 0.0)
    console = Terminal(record=True, width=150, file=io.StringIO())
    return WatchedRun(Played(), Processes(Layout(tmp_path)), console, "nightly", "night-1", "night 1")


def with_states(run: WatchedRun, *states: tuple[str, dict[str, str]]) -> tuple[WatchedRun, Played]:
    played = Played(*states)
    return WatchedRun(played, run.processes, run.console, run.dag_id, run.run_id, run.title), played


def test_a_waiting_task_is_answered_once_and_the_answer_is_told(watched: WatchedRun) -> None:
    waits = ("running", {"decide": "success", "approve": "awaiting_input", "register": "waiting"})
    ended = ("success", {"decide": "success", "approve": "success", "register": "skipped"})
    run, played = with_states(watched, waits, waits, waits, ended)
    assert run.follow(NO) == "success"
    assert played.answers == [("nightly", "night-1", "approve", "Reject", "one [more] night")]
    told = run.console.export_text()
    assert "answers Reject: one [more] night" in told
    assert (told.count("awaiting_input"), told.count("decide"), "night 1 ended success" in told) == (1, 1, True)


def test_nothing_is_answered_before_a_person_could_have_read_it(
    watched: WatchedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_run, "READING_SECONDS", 60.0)
    waits = ("running", {"approve": "awaiting_input"})
    run, played = with_states(watched, waits, waits, ("success", {"approve": "success"}))
    run.follow(NO)
    assert played.answers == []


def test_a_run_that_never_ends_is_given_up_with_its_tasks(watched: WatchedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched_run, "LONGEST_SECONDS", 0.05)
    run, _ = with_states(watched, ("running", {"train": "running"}))
    with pytest.raises(DemoError, match=r"night-1 of nightly has not ended.*'train': 'running'"):
        run.follow()


def test_a_dead_component_ends_the_watching(watched: WatchedRun) -> None:
    watched.processes.start("scheduler", [sys.executable, "-c", "raise SystemExit(3)"], {})
    watched.processes.started["scheduler"].wait()
    with pytest.raises(StackError, match="scheduler ended with exit code 3"):
        watched.follow()
