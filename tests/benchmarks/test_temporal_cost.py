from __future__ import annotations

import json

import pytest
import torch

from benchmarks import temporal_cost


def test_the_pairs_of_a_training_are_those_that_were_estimated(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(temporal_cost.automatic_config.__globals__["TEMPORAL_TRAINING"], "epochs", 1)
    threads = torch.get_num_threads()
    try:
        assert temporal_cost.main(["--one", "--edges", "3000"]) == 0
    finally:
        torch.set_num_threads(threads)
    found = json.loads(capsys.readouterr().out)
    assert found["pairs"] == pytest.approx(found["estimated_pairs"], rel=0.15)
    assert min(found["cpu_seconds"], found["estimated_seconds"]) > 0
