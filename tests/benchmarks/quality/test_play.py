from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data

from benchmarks.quality import play
from benchmarks.quality.choice import Candidate
from benchmarks.quality.methods import METHODS, is_played
from benchmarks.quality.play import definition_digest
from benchmarks.quality.protocol import PROTOCOLS
from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig


def cliques() -> Data:
    """Forty cliques of eight nodes: 1,120 edges."""
    inside = torch.combinations(torch.arange(8)).T
    return Data(edge_index=torch.cat([inside + 8 * number for number in range(40)], 1), num_nodes=320)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Candidate(
        "small", ModelConfig(predictor="ncn", hidden_channels=8), TrainingConfig(epochs=2, batch_size=256, patience=2)
    )
    monkeypatch.setattr(play, "load", lambda _: cliques())
    monkeypatch.setattr(play, "candidates", lambda *_: [one])


def test_a_heuristic_learns_nothing_and_chooses_nothing() -> None:
    run = play.play("usair", "cn", seed=3)
    assert (run.data, run.method, run.seed) == ("usair", "cn", 3)
    assert (run.valid, run.chosen, run.epoch) == (None, None, None)
    assert run.test > 0.95  # nearly every edge of a clique keeps common neighbours, no pair across cliques has one


def test_a_learned_run_says_what_was_chosen_and_repeats() -> None:
    first, again = (play.play("usair", "ncn", seed=1) for _ in range(2))
    assert (first.chosen, first.epoch in (1, 2)) == ("small", True)
    assert (first.test, first.valid, first.digest) == (again.test, again.valid, again.digest)
    assert first.key == ("usair", "ncn", 1, definition_digest("usair", "ncn"))


def test_the_threads_are_those_asked_for() -> None:
    before = torch.get_num_threads()
    try:
        play.play("usair", "pa", seed=0, threads=1)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_a_changed_recipe_is_another_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    before = definition_digest("usair", "ncn")
    changed = Candidate("small", ModelConfig(predictor="ncn", hidden_channels=9), TrainingConfig())
    monkeypatch.setattr(play, "candidates", lambda *_: [changed])
    assert definition_digest("usair", "ncn") != before


def test_a_training_cut_short_is_another_definition_and_says_so() -> None:
    run = play.play("usair", "ncn", seed=1, most_epochs=1)
    assert (run.most_epochs, run.epoch) == (1, 1)
    assert run.digest == definition_digest("usair", "ncn", 1) != definition_digest("usair", "ncn")
    whole = play.play("usair", "ncn", seed=1, most_epochs=2)  # it has two epochs anyway
    assert (whole.most_epochs, whole.digest) == (None, definition_digest("usair", "ncn"))


def test_no_two_cells_of_the_benchmark_share_a_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    cells = [(data, method) for data in PROTOCOLS for method in METHODS if is_played(data, method)]
    keys = {(cell[0], definition_digest(*cell)) for cell in cells}
    assert len(keys) == len(cells)
