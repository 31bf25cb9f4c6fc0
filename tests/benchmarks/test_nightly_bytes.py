import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.nightly_bytes import main, nightly_edges


def test_last_night_changes_the_share_asked_for_over_all_ages() -> None:
    nights = nightly_edges(3000, 3, 0.1, np.random.default_rng(0))
    before, after = nights[-2][0], nights[-1][0]
    assert [len(keys) for keys, _, _ in nights] == [1000, 2000, 3000, 3000]
    gone = np.setdiff1d(before, after)
    assert len(gone) == len(np.setdiff1d(after, before)) == 150
    ages = [int(np.isin(gone, keys).sum()) for keys, _, _ in nights[:3]]
    assert 20 < ages[0] < ages[1] < ages[2] == 150


@pytest.mark.slow
def test_nights_are_published_and_weighed(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    main(["--edges", "20000", "--building-nights", "1", "--json", str(figures), "--work", str(tmp_path)])
    found = json.loads(figures.read_text())
    assert [night["edges"] for night in found["nights"]] == [20000, 20000]
    assert all(night["new_bytes"] > 0 for night in found["nights"])
    assert found["nights"][-1]["remote_bytes"] == sum(night["new_bytes"] for night in found["nights"])
    assert 0 < found["new_share"] < 1
