from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ncnc_core.random_spatial_network import NetworkDay
from pipeline.cli import main
from tests.house import House


def exit_code(monkeypatch: pytest.MonkeyPatch, *argv: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["ncnc", *argv])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_help_ends_0_and_names_the_six_steps(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(monkeypatch, "--help") == 0
    shown = capsys.readouterr().out
    assert all(step in shown for step in ("snapshot", "split", "train", "evaluate", "decide", "register"))


def test_missing_option_ends_2_and_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(monkeypatch, "train") == 2
    assert "--run-dir" in capsys.readouterr().err


def test_wrong_input_ends_2_with_its_message_on_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert exit_code(monkeypatch, "try", str(tmp_path / "none.csv")) == 2
    assert f"ncnc: There is no edge file at {tmp_path / 'none.csv'}" in capsys.readouterr().err


def test_unset_variable_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("NCNC_DATA_REPOSITORY", raising=False)
    assert exit_code(monkeypatch, "snapshots", "list", "demo") == 2
    assert "NCNC_DATA_REPOSITORY is not set" in capsys.readouterr().err


def test_published_snapshots_are_listed_fetched_and_audited(house: House, days: list[NetworkDay]) -> None:
    house.deliver(1, days[0])
    code, line = house.call("snapshots", "ingest", "--as-of", "2026-01-01T03:00:00", "--params", str(house.params_file))
    assert code == 0
    code, listed = house.call("snapshots", "list", "small")
    assert listed["tag"] == line["tag"]
    target = house.folder / "fetched"
    assert house.call("snapshots", "get", str(line["tag"]), str(target))[0] == 0
    assert (target / "nodes" / "20260101T030000Z.parquet").is_file()
    assert house.call("status", "--graph", "small")[1] == {
        "graph": "small",
        "nights": 0,
        "champion": None,
        "age_days": None,
    }
    assert house.call("audit", "model", "small")[0] == 2
    assert house.call("audit", "model", "small@champion")[0] == 2
