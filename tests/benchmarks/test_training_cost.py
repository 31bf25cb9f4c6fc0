from __future__ import annotations

import json

import pytest
import torch

from benchmarks import training_cost


def test_one_measurement_holds_the_sample_beside_all_validation_edges(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_cost.completion_calibration, "shares_inner_logits", lambda *_: True)  # given back
    threads = torch.get_num_threads()
    try:
        assert training_cost.main(["--one", "--edges", "2000"]) == 0
    finally:
        torch.set_num_threads(threads)
    found = json.loads(capsys.readouterr().out)
    assert 1500 < found["edges"] < 2100
    assert found["validation_pairs"][0] <= found["validation_pairs"][1]
    assert min(found["training"], *found["validation"], found["calibration"]) > 0
