from __future__ import annotations

import json

import pytest
import torch

from benchmarks import short_recipe
from ncnc_core.recipes.training_budget import training_budget


def test_a_training_is_graded_on_edges_that_it_has_not_seen(capsys: pytest.CaptureFixture[str]) -> None:
    threads = torch.get_num_threads()
    try:
        assert short_recipe.main(["--edges", "1000", "--seeds", "1", "--ways", "two passes"]) == 0
    finally:
        torch.set_num_threads(threads)
    found = json.loads(capsys.readouterr().out)
    assert (found["data"], found["way"]) == ("generated", "two passes")
    assert 0 < found["mrr"] <= 1


def test_two_passes_are_divided_as_those_of_a_million_edges_are() -> None:
    large, small = training_budget(1_000_000, []), short_recipe.training_of("two passes", 80_000, 0)
    assert small.epochs == large["epochs"]
    assert small.pairs_per_epoch == 20_000
    steps = small.pairs_per_epoch / small.batch_size
    assert steps == pytest.approx(large["pairs_per_epoch"] / large["batch_size"], rel=0.01)
