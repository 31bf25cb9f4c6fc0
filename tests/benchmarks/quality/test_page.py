from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from benchmarks.quality.page import BEGIN, END, MarkersMissing, render, summaries, tables
from benchmarks.quality.play import definition_digest
from benchmarks.quality.results import Run


def run(data: str, method: str, seed: int, test: float, digest: str | None = None) -> Run:
    found = digest or definition_digest(data, method)
    return Run(data, method, seed, found, test, None, None, None, 3.0, "cpu")


CN = [run("cora", "cn", seed, 0.30 + 0.02 * (seed % 2)) for seed in range(10)]


def test_a_complete_row_shows_mean_spread_and_the_published_figure() -> None:
    text = tables(summaries([*CN, run("usair", "cn", 0, 0.8)]))
    assert "| method | cora | published |" in text
    assert "| common neighbours | 31.00 ± 1.05 | 33.92 ± 0.46 |" in text
    assert "Hits@100 in percent" in text
    assert "| common neighbours | 80.00 (1 seed) |  |" in text
    assert "| MPLP, another model |  | 92.12 |" in text
    assert "| common neighbours | 3.0 | 3.0 |" in text
    assert "pb" not in text  # nothing was run there


def test_runs_of_another_definition_or_name_are_left_out() -> None:
    old = run("cora", "cn", 3, 0.99, digest="an older one")
    assert summaries([*CN, old]) == summaries(CN)
    assert summaries([run("cora", "cn", 0, 0.5), run("gone", "cn", 0, 0.5, "d"), run("cora", "gone", 0, 0.5, "d")]) == {
        ("cora", "cn"): summaries([run("cora", "cn", 0, 0.5)])["cora", "cn"]
    }


def test_the_longest_trainings_count() -> None:
    runs = [
        dataclasses.replace(run("usair", "ncn", 0, test, definition_digest("usair", "ncn", epochs)), most_epochs=epochs)
        for epochs, test in ((5, 0.5), (7, 0.7), (6, 0.6))
    ]
    assert summaries(runs)["usair", "ncn"].text == "70.00 (1 seed, 7 epochs)"
    assert summaries([*runs, run("usair", "ncn", 0, 0.9)])["usair", "ncn"].text == "90.00 (1 seed)"


def test_a_seed_run_twice_counts_once() -> None:
    assert summaries([*CN, CN[0]])["cora", "cn"].seeds == 10


def test_the_tables_stand_between_the_markers_and_nothing_else_changes(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n\n{BEGIN}\n\nold\n\n{END}\n\nafter\n")
    render(page, summaries(CN))
    text = page.read_text()
    assert text.startswith(f"before\n\n{BEGIN}\n\nHits@100")
    assert text.endswith(f" |\n\n{END}\n\nafter\n")
    assert "old" not in text
    render(page, summaries(CN))
    assert page.read_text() == text


def test_a_page_without_markers_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{END} {BEGIN}")
    with pytest.raises(MarkersMissing, match=r"page.md has no place for the tables. Add the lines <!-- quality: begin"):
        render(page, {})
