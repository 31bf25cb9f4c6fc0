from __future__ import annotations

import json

import pytest
import torch

from benchmarks import step_cost


@pytest.mark.parametrize("mode", step_cost.MODES)
def test_each_mode_learns_and_ranks_the_same_edges(mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    threads = torch.get_num_threads()
    sizes = ["--rounds", "1", "--each", "500", "--held-out", "20"]
    try:
        assert step_cost.main(["--one", "--edges", "2000", "--modes", mode, "--seeds", "0", *sizes]) == 0
    finally:
        torch.set_num_threads(threads)
    found = json.loads(capsys.readouterr().out)
    assert (found["mode"], found["edges_a_round"]) == (mode, 500)
    assert 1200 < found["edges"] < 2100
    assert 0 < found["mrr"][0] <= 1
