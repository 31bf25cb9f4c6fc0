from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import learning_nights


@pytest.mark.slow
def test_a_search_is_measured_on_validation_and_on_the_test_edges_it_never_had(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "figures.json"
    small = ["--nodes", "300", "--epochs", "1", "--trials", "1", "--seeds", "2"]
    learning_nights.main(["search", *small, "--json", str(written)])
    present, found, gain, search = json.loads(written.read_text())
    assert (present["recipe"], found["recipe"], search["trials"]) == ("present", "found", 1)
    assert {**present, "recipe": ""} == {**found, "recipe": ""}  # one trial: the present parameters were the best
    assert 0 < present["test mean"] < 1
    assert (gain["validation mean"], gain["test mean"]) == (0, 0)
    assert "present" in capsys.readouterr().out
