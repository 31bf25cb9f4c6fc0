from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import datasets
from benchmarks.evolving import runs
from benchmarks.evolving.__main__ import main
from benchmarks.evolving.graphs import DatedGraph
from benchmarks.evolving.page import BEGIN, END
from benchmarks.evolving.runs import read_runs
from ncnc_core.graph.event_history import EventHistory
from tests.fixtures.evolving_graphs import active_groups

RULES = ["--methods", "common_neighbors", "adamic_adar"]


@pytest.fixture(autouse=True)
def _listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = EventHistory.of_events(*active_groups(nodes=60, edges=600, group=12), 60)
    monkeypatch.setitem(runs.EVERY, "collegemsg", lambda: DatedGraph(history, np.arange(60)))
    monkeypatch.setenv("NCNC_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(datasets, "BESIDE_THE_CHECKOUT", tmp_path / "beside")


def test_an_interrupted_command_goes_on_where_it_stopped(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    assert main(["--data", "collegemsg", *RULES[:2], "--json", str(file)]) == 0
    first = read_runs(file)
    assert main(["--data", "collegemsg", *RULES, "--json", str(file)]) == 0
    assert read_runs(file)[:1] == first
    assert [run.method for run in read_runs(file)] == ["common_neighbors", "adamic_adar"]


def test_the_page_is_written_without_running_anything(tmp_path: Path) -> None:
    page, file = tmp_path / "page.md", tmp_path / "runs.jsonl"
    page.write_text(f"{BEGIN}\n{END}\n")
    assert main(["--data", "collegemsg", *RULES, "--json", str(file)]) == 0
    before = file.read_text()
    assert main(["--render", "--json", str(file), "--page", str(page)]) == 0
    assert "| common neighbors |" in page.read_text()
    assert file.read_text() == before


def test_missing_data_ends_the_command_with_its_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", "fb_forum", *RULES, "--json", str(tmp_path / "runs.jsonl")]) == 2
    assert "set NCNC_DATA_DIR to a folder with it" in capsys.readouterr().err
