import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.nightly_bytes import main, nightly_edges, nightly_events


def test_last_night_changes_the_share_asked_for_over_all_ages() -> None:
    nights = nightly_edges(3000, 3, 0.1, np.random.default_rng(0))
    before, after = nights[-2].keys, nights[-1].keys
    assert [len(night.keys) for night in nights] == [1000, 2000, 3000, 3000]
    gone = np.setdiff1d(before, after)
    assert len(gone) == len(np.setdiff1d(after, before)) == 150
    ages = [int(np.isin(gone, night.keys).sum()) for night in nights[:3]]
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


def test_last_night_of_a_log_names_mostly_known_pairs_and_each_night_its_own_times() -> None:
    nights = nightly_events(3000, 3, 0.1, np.random.default_rng(0))
    assert [(night.edges, night.added, len(night.keys)) for night in nights] == [
        (1000, 1000, 2000), (2000, 1000, 2000), (3000, 1000, 2000), (3060, 60, 600),
    ]  # fmt: skip
    known = np.concatenate([night.keys for night in nights[:3]])
    assert int(np.isin(nights[-1].keys, known).sum()) == 540
    times = [night.times for night in nights if night.times is not None]
    assert len(times) == 4
    assert all(before.max() <= after.min() for before, after in itertools.pairwise(times))


def test_night_of_a_hundredth_of_a_logs_events_adds_less_than_a_twentieth(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    asked = ["--log", "--edges", "200000", "--building-nights", "1", "--json", str(figures), "--work", str(tmp_path)]
    assert main(asked) == 0
    found = json.loads(figures.read_text())
    assert [night["edges"] for night in found["nights"]] == [200_000, 200_400]
    assert 0 < found["new_share"] < 0.05
