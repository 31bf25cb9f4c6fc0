from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse
from rich.console import Console

from benchmarks import datasets
from benchmarks.quality.__main__ import Settings, main, missing, run_all
from benchmarks.quality.page import BEGIN, END
from benchmarks.quality.results import Run, append_run, read_runs


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder whose USAir is a random graph of 60 nodes."""
    monkeypatch.setenv("NCNC_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(datasets, "BESIDE_THE_CHECKOUT", tmp_path / "beside")
    (tmp_path / "seal").mkdir()
    net = scipy.sparse.csc_array(np.triu(np.random.default_rng(0).random((60, 60)) < 0.3, 1))
    scipy.io.savemat(tmp_path / "seal" / "USAir.mat", {"net": net.astype(float)})
    return tmp_path


def test_only_what_is_not_kept_is_run_seed_by_seed() -> None:
    every = missing(["usair"], ["cn", "pa"], 2, [])
    assert every == [("usair", "cn", 0), ("usair", "pa", 0), ("usair", "cn", 1), ("usair", "pa", 1)]


def test_an_interrupted_command_goes_on_where_it_stopped(folder: Path) -> None:
    file = folder / "runs.jsonl"
    arguments = ["--data", "usair", "--models", "cn", "pa", "--json", str(file)]
    assert main([*arguments, "--seeds", "1"]) == 0
    first = read_runs(file)
    assert [(run.method, run.seed) for run in sorted(first, key=lambda run: run.method)] == [("cn", 0), ("pa", 0)]
    assert missing(["usair"], ["cn", "pa"], 2, first) == [("usair", "cn", 1), ("usair", "pa", 1)]
    older = Run("usair", "cn", 1, "an older definition", 0.0, None, None, None, 1.0, "cpu")
    append_run(file, older)
    assert main([*arguments, "--seeds", "2"]) == 0
    kept = read_runs(file)
    assert kept[:3] == [*first, older]
    assert sorted((run.method, run.seed) for run in kept[3:]) == [("cn", 1), ("pa", 1)]


@pytest.mark.slow  # a process of its own imports torch first
def test_another_process_comes_to_the_same(folder: Path) -> None:
    alone, apart = folder / "alone.jsonl", folder / "apart.jsonl"
    for file, jobs in ((alone, 1), (apart, 2)):
        run_all([("usair", "cn", 0)], file, Settings(jobs=jobs), console=Console(file=io.StringIO()))
    assert read_runs(alone)[0].test == read_runs(apart)[0].test


def test_the_page_is_written_without_running_anything(folder: Path) -> None:
    page, file = folder / "page.md", folder / "runs.jsonl"
    page.write_text(f"{BEGIN}\n{END}\n")
    assert main(["--data", "usair", "--models", "cn", "--seeds", "1", "--json", str(file)]) == 0
    before = file.read_text()
    assert main(["--render", "--json", str(file), "--page", str(page)]) == 0
    assert "| common neighbours |" in page.read_text()
    assert file.read_text() == before


def test_missing_data_ends_the_command_with_its_remedy(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", "pb", "--models", "cn", "--seeds", "1", "--json", str(folder / "runs.jsonl")]) == 2
    assert "set NCNC_DATA_DIR to a folder with it" in capsys.readouterr().err


def test_there_is_no_progress_bar_without_a_terminal(folder: Path) -> None:
    quiet, shown = io.StringIO(), io.StringIO()
    for stream, terminal in ((quiet, False), (shown, True)):
        console = Console(file=stream, force_terminal=terminal)
        run_all([("usair", "cn", 0)], folder / "runs.jsonl", Settings(), console=console)
    assert quiet.getvalue() == ""
    assert "1/1" in shown.getvalue()
