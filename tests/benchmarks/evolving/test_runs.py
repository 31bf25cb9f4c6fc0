from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.evolving import methods, runs
from benchmarks.evolving.graphs import DatedGraph
from benchmarks.evolving.runs import Run, append_run, digest_of, play, read_runs
from ncnc_core.graph.event_history import EventHistory
from tests.fixtures.evolving_graphs import active_groups

NAME = "a_night"
IDS = np.arange(60) + 1000


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    history = EventHistory.of_events(*active_groups(nodes=60, edges=600, group=12), 60)
    monkeypatch.setitem(runs.EVERY, NAME, lambda: DatedGraph(history, IDS))


@pytest.mark.usefixtures("listed")
def test_a_run_is_read_as_it_was_kept(tmp_path: Path) -> None:
    run = play(NAME, "common_neighbors", 0)
    assert run.edges > 0
    assert run.ranks == run.ends == ()
    append_run(tmp_path / "kept" / "runs.jsonl", run)
    assert read_runs(tmp_path / "kept" / "runs.jsonl") == [run]


@pytest.mark.usefixtures("listed")
def test_a_judged_week_keeps_each_edge_by_its_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(runs.WEEKS, NAME, runs.EVERY[NAME])
    run = play(NAME, "common_neighbors", 0)
    assert len(run.ranks) == len(run.ends) == run.edges
    assert {node for pair in run.ends for node in pair} <= set(IDS.tolist())
    assert run.mrr == pytest.approx(sum(run.ranks) / run.edges, abs=1e-4)
    append_run(tmp_path / "runs.jsonl", run)
    assert read_runs(tmp_path / "runs.jsonl") == [run]


def test_a_line_cut_short_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    run = Run("a", "b", 0, "c", 1, 0.5, 0.5, 0.5, 0.5, 1.0)
    append_run(file, run)
    file.write_text(file.read_text() + '{"data": "a", "met')
    assert read_runs(file) == [run]
    assert read_runs(tmp_path / "none") == []


def test_another_recipe_is_another_run(monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest_of("fixed")
    assert before == digest_of("fixed") != digest_of("published")
    monkeypatch.setattr(methods, "FIXED_TRAINING", {"epochs": 7, "batch_size": 1024})
    assert digest_of("fixed") != before
