from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import datasets
from benchmarks.evolving import ablations
from benchmarks.evolving.ablations import Ablation, main, read, table
from benchmarks.evolving.graphs import DatedGraph
from benchmarks.evolving.variants import BASE, Variant
from ncnc_core.graph.event_history import EventHistory
from tests.fixtures.evolving_graphs import active_groups

ASKED = ["--data", "collegemsg", "--seeds", "1"]


@pytest.fixture
def _listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = EventHistory.of_events(*active_groups(nodes=60, edges=600, group=12), 60)
    monkeypatch.setitem(ablations.GRAPHS, "collegemsg", lambda: DatedGraph(history, np.arange(60)))
    monkeypatch.setenv("NCNC_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(datasets, "BESIDE_THE_CHECKOUT", tmp_path / "beside")
    for name, variant in {BASE: Variant({"epochs": 1}), "2 epochs": Variant({"epochs": 2})}.items():
        monkeypatch.setitem(ablations.VARIANTS, name, variant)
    ablations._night.cache_clear()


@pytest.mark.usefixtures("_listed")
def test_an_interrupted_command_goes_on_and_the_seed_decides(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "runs.jsonl"
    assert main([*ASKED, "--variants", BASE, "--json", str(file)]) == 0
    first = read(file)
    assert main([*ASKED, "--variants", BASE, "2 epochs", "--json", str(file)]) == 0
    runs = read(file)
    assert runs[:1] == first
    assert [run.variant for run in runs] == [BASE, "2 epochs"]
    assert runs[0].valid != runs[1].valid
    assert all(0 < value < 1 for run in runs for value in (run.valid, run.test or 0))
    assert "| 2 epochs |" in capsys.readouterr().out


@pytest.mark.usefixtures("_listed")
def test_what_was_measured_on_validation_alone_is_refitted_when_the_test_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    for refit in (["--no-refit"], ["--no-refit"], [], ["--no-refit"]):
        assert main([*ASKED, "--variants", BASE, *refit, "--json", str(file)]) == 0
    before, after = read(file)
    assert before.test is None
    assert after.test is not None
    assert before.valid == after.valid


@pytest.mark.usefixtures("_listed")
def test_missing_data_ends_the_command_with_its_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", "fb_forum", "--json", str(tmp_path / "runs.jsonl")]) == 2
    assert "set NCNC_DATA_DIR to a folder with it" in capsys.readouterr().err


def test_a_variant_is_compared_with_the_base_of_the_same_graph_and_seed() -> None:
    runs = [
        Ablation("collegemsg", BASE, 0, 0.10, 0.20, 10.0),
        Ablation("fb_forum", BASE, 0, 0.30, 0.40, 10.0),
        Ablation("collegemsg", "10 windows", 0, 0.11, 0.20, 20.0),
        Ablation("fb_forum", "10 windows", 0, 0.33, 0.36, 40.0),
        Ablation("fb_forum", "10 windows", 1, 0.90, 0.90, 90.0),  # no base to compare with
    ]
    head, _, base, changed = table(runs).splitlines()
    assert head == "| variant | validation | difference | test | difference | collegemsg | fb_forum | CPU s |"
    assert base == "| as it is | .2000 |  | .3000 |  | .1000 | .3000 | 10 |"
    # Gains of .01 and .03: their mean, and their standard deviation of .0141 over the root of two.
    assert changed == "| 10 windows | .2200 | +.0200 ± .0100 | .2800 | -.0200 ± .0200 | .1100 | .3300 | 30 |"


def test_a_variant_without_test_figures_is_compared_on_validation_alone() -> None:
    runs = [
        Ablation("collegemsg", BASE, 0, 0.10, 0.20, 10.0),
        Ablation("fb_forum", BASE, 0, 0.30, 0.40, 10.0),
        Ablation("collegemsg", "10 windows", 0, 0.11, None, 20.0),
        Ablation("fb_forum", "10 windows", 0, 0.33, None, 40.0),
    ]
    assert table(runs).splitlines()[-1] == "| 10 windows | .2200 | +.0200 ± .0100 |  |  | .1100 | .3300 |  |"
