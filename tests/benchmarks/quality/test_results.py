from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from benchmarks.quality.results import Run, append_run, digest, read_runs, summary


def run(seed: int, test: float, *, method: str = "ncn", data: str = "cora", digest: str = "d") -> Run:
    return Run(data, method, seed, digest, test, 0.5, "recipe", 7, 2.0 * seed, "cpu")


def test_what_is_kept_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "runs.jsonl"
    assert read_runs(file) == []
    for one in (run(0, 0.25), run(1, 0.5)):
        append_run(file, one)
    assert read_runs(file) == [run(0, 0.25), run(1, 0.5)]


def test_a_line_cut_short_is_left_out_and_the_next_run_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    append_run(file, run(0, 0.25))
    with file.open("a") as opened:
        opened.write('{"data": "cora", "meth')
    assert read_runs(file) == [run(0, 0.25)]
    append_run(file, run(1, 0.5))
    assert read_runs(file) == [run(0, 0.25), run(1, 0.5)]


def test_the_spread_is_unbiased_and_in_percent() -> None:
    found = summary([run(0, 0.80), run(1, 0.90)])
    # mean 85; deviations -5 and +5: sqrt(50 / (2 - 1)), where the biased one would be 5
    assert (found.mean, found.spread) == (pytest.approx(85.0), pytest.approx(50**0.5))
    assert (found.seeds, found.seconds, found.text) == (2, 1.0, "85.00 ± 7.07 (2 seeds)")


def test_one_seed_has_no_spread() -> None:
    assert summary([run(0, 0.8)]).text == "80.00 (1 seed)"


def test_a_complete_row_says_nothing_but_its_figure_unless_it_was_cut_short() -> None:
    complete = [run(seed, 0.8) for seed in range(10)]
    assert summary(complete).text == "80.00 ± 0.00"
    short = [dataclasses.replace(one, most_epochs=5) for one in complete]
    assert summary(short).text == "80.00 ± 0.00 (5 epochs)"


def test_a_digest_depends_on_every_value_and_on_no_order() -> None:
    assert digest({"a": 1, "b": [2.5]}) == digest({"b": [2.5], "a": 1})
    assert digest({"a": 1, "b": [2.5]}) != digest({"a": 1, "b": [2.6]})
    assert len(digest({})) == 16
