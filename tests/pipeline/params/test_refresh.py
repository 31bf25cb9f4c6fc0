from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import InvalidInput
from pipeline.params.params import Params


def test_thresholds_of_a_refresh_stay_outside_the_run_key(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("refresh: {maximum_loss: 0.3, minimum_test_edges: 10}")
    changed = Params.load(path)
    assert changed.refresh.maximum_loss == 0.3
    assert changed.sha256 == Params().sha256
    path.write_text(changed.to_yaml())
    assert Params.sha256_of(path) == Params().sha256


def test_threshold_out_of_its_bounds_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("refresh: {maximum_loss: 1.5}")
    with pytest.raises(InvalidInput, match=r"refresh.maximum_loss: Input should be less than 1 \(value: 1.5\)"):
        Params.load(path)
