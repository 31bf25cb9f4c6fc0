from __future__ import annotations

from pathlib import Path

from benchmarks.evolving.page import BEGIN, END, cells_of, render, tables
from benchmarks.evolving.runs import Run, append_run, digest_of, read_runs

ENDS = tuple((node, node + 1) for node in range(40))


def run(data: str, method: str, seed: int, mrr: float, **changes: object) -> Run:
    fields = {"edges": 40, "hits10": 0.5, "warm": mrr, "cold": mrr, "cpu": 2.0} | changes
    return Run(data=data, method=method, seed=seed, digest=digest_of(method), mrr=mrr, **fields)  # type: ignore[arg-type]


def test_runs_are_read_back_as_they_were_kept_and_a_line_cut_short_is_left_out(tmp_path: Path) -> None:
    file, kept = tmp_path / "runs.jsonl", run("as_caida_2007-08-27", "temporal", 0, 0.3, ranks=(0.5,), ends=((3, 4),))
    assert read_runs(file) == []
    append_run(file, kept)
    file.write_text(file.read_text() + '{"data": "as_ca')
    assert read_runs(file) == [kept]


def test_a_figure_is_the_mean_over_seeds_and_says_how_few_there_are() -> None:
    runs = [run("fb_forum", "temporal", seed, 0.1 + seed / 100) for seed in range(3)]
    runs += [run("fb_forum", "fixed", 0, 0.2), run("fb_forum", "boosted_trees", 0, 0.3)]
    runs += [run("collegemsg", "temporal", seed, 0.4) for seed in range(2)]
    text = tables(cells_of(runs))
    assert "| 0.110 ± 0.010 |" in text
    assert "| 0.400 ± 0.000 (2 seeds) |" in text
    assert "| 0.200 (1 seed) |" in text
    assert "| 0.300 |" in text


def test_runs_of_another_definition_are_no_part_of_the_tables() -> None:
    old = Run("fb_forum", "fixed", 0, "0" * 16, 40, 0.2, 0.5, 0.2, 0.2, 1.0)
    assert cells_of([old]) == {}


def test_the_weeks_are_compared_with_the_best_of_the_floor_and_pooled(tmp_path: Path) -> None:
    week = "as_caida_2007-08-27"
    runs = [
        run(week, "temporal", 0, 0.6, ranks=(0.6,) * 40, ends=ENDS),
        run(week, "boosted_trees", 0, 0.5, ranks=(0.5,) * 40, ends=ENDS),
        run(week, "last_activity", 0, 0.1, ranks=(0.1,) * 40, ends=ENDS),
    ]
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nSTALE\n{END}\nafter\n")
    render(page, cells_of(runs))
    text = page.read_text()
    assert f"| {week} | boosted_trees | 0.500 | 0.600 | +0.100 |" in text
    assert "difference is +0.1000" in " ".join(text.split())
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "STALE" not in text
