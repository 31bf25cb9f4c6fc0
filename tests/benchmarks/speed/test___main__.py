from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.speed import __main__ as command


def test_figures_are_printed_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "run_case", lambda name, threads: {"seconds": 0.25, "plain_seconds": 1.25})
    target = tmp_path / "deep" / "speed.json"
    monkeypatch.setattr("sys.argv", ["speed", "--only", "cora_epoch", "--json", str(target)])
    command.main()
    assert json.loads(target.read_text())["cases"] == {"cora_epoch": {"seconds": 0.25, "plain_seconds": 1.25}}
    printed = capsys.readouterr().out
    assert "cora_epoch" in printed
    assert "1.25" in printed


def test_one_case_here_prints_its_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(command.CASES, "cora_epoch", lambda: {"seconds": 0.5})
    monkeypatch.setattr("sys.argv", ["speed", "--here", "cora_epoch"])
    command.main()
    assert json.loads(capsys.readouterr().out) == {"seconds": 0.5}


def test_figure_that_a_case_lacks_stays_empty() -> None:
    result = command.table({"one": {"seconds": 1.0}, "two": {"floor_seconds": 2.0}})
    assert [list(column.cells) for column in result.columns] == [["one", "two"], ["1", ""], ["", "2"]]
