from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ncnc_core.random_spatial_network import NetworkDay
from pipeline.cli import main
from pipeline.runs.folder import RunFolder
from tests.fixtures.house import House

ROOT = Path(__file__).parents[2]
# Runs commands one after another in one interpreter, and says after each what of the heavy packages is loaded.
WATCHED = """
import json, sys
from pipeline.cli import main

found = []
for argv in json.loads(sys.argv[1]):
    sys.argv = ["ncnc", *argv]
    try:
        main()
    except SystemExit as ended:
        found.append([ended.code, sorted({"dvc", "mlflow", "numba", "pandas", "torch"} & sys.modules.keys())])
print(json.dumps(found))
"""


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


def test_help_groups_the_verbs_from_the_first_try_to_the_search(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(monkeypatch, "--help") == 0
    panels: dict[str, list[str]] = {}
    for line in capsys.readouterr().out.splitlines():
        if line.startswith("╭─ "):
            panel = panels.setdefault(line.strip("╭─╮ "), [])
        elif verb := re.match("│ ([a-z-]+)", line):
            panel.append(verb[1])
    assert {name: verbs for name, verbs in panels.items() if name != "Options"} == {
        "Try it on your own graph": ["try"],
        "Look at what happened": ["status", "report", "explain", "verify", "registry", "snapshots", "audit"],
        "Decide by hand": ["promote", "reject", "rollback", "nominate"],
        "The seven steps of a night": ["snapshot", "split", "train", "evaluate", "decide", "register", "refresh"],
        "Recommend links": ["recommend", "recommend-plan", "recommend-shard", "recommend-publish"],
        "Tune the model": ["tune"],
    }
    assert list(panels)[1] == "Try it on your own graph"


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


def test_what_is_shown_of_a_bug_and_of_the_log_is_plain(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def broken(*_: object) -> None:
        logging.getLogger("another").warning("one\n2026-01-02 INFO forged \x1b[31m")
        raise RuntimeError("a bug \x1b[31m")

    monkeypatch.setattr("pipeline.trial.run_trial", broken)
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    assert exit_code(monkeypatch, "try", str(tmp_path / "none.csv")) == 1
    shown = capsys.readouterr().err
    assert r"RuntimeError: a bug \x1b[31m" in shown
    assert "one\n    2026-01-02 INFO forged" in shown
    assert "\x1b" not in shown


def test_a_home_that_cannot_be_written_ends_75_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "e.csv").write_text("source,target\n1,2\n")
    (tmp_path / "file").touch()
    for home in ("/sys/ncnc", str(tmp_path / "file" / "home")):
        assert exit_code(monkeypatch, "try", str(tmp_path / "e.csv"), "--home", home) == 75
        shown = capsys.readouterr().err
        assert "ncnc: This machine does not let this user use a file: " in shown
        assert home in shown
        assert "name another folder: NCNC_HOME (ncnc try: --home)" in shown
        assert "Traceback" not in shown


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
        "weights_of": None,
        "shadow": None,
        "age_days": None,
        "graph_age_days": None,
        "retracted": None,
        "stopped": [],
        "needs": [],
        "index": None,
    }
    assert house.call("audit", "model", "small")[0] == 2
    assert house.call("audit", "model", "small@champion")[0] == 2


def loaded_after_each(house: House, commands: Sequence[Sequence[str]], before: str = "") -> list[tuple[int, set[str]]]:
    """Run commands in one fresh interpreter; return each one's exit code and the heavy packages loaded by then."""
    done = subprocess.run(
        [sys.executable, "-c", before + WATCHED, json.dumps(commands)],
        cwd=ROOT,  # before the installed package
        env=os.environ | house.values,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [(code, set(loaded)) for code, loaded in json.loads(done.stdout.splitlines()[-1])]


def test_help_loads_nothing_heavy(house: House) -> None:
    assert loaded_after_each(house, [["--help"], ["registry", "--help"]]) == [(0, set())] * 2
    assert loaded_after_each(house, [["--help"]], before="import pandas\n") == [(0, {"pandas"})]


@pytest.mark.slow
def test_a_command_that_computes_nothing_loads_no_torch(
    house: House, days: list[NetworkDay], make_decided_run: Callable[..., RunFolder]
) -> None:
    house.deliver(1, days[0])
    waits, refused = (
        str(
            make_decided_run(
                house.doors, "small", as_of=house.as_of(night), run_key=str(night) * 64, promote=passed
            ).path
        )
        for night, passed in ((2, True), (3, False))
    )
    params, why = ("--params", str(house.params_file)), ("--reason", "a test")
    found = loaded_after_each(
        house,
        [
            ["registry", "history", *params],
            ["nominate", "--run-dir", waits],
            ["decide", "--run-dir", refused],
            ["status", *params],
            ["registry", "show", *params],
            ["reject", "--run-dir", waits, *why],
            ["promote", "--run-dir", refused, *why],  # the gate said no
            ["rollback", "--graph", "small", "--to", "1", *why],  # there is no version 1
            ["snapshot", "--run-dir", str(house.run_dir(1)), "--as-of", house.as_of(1).isoformat(), *params],
        ],
    )
    assert [code for code, _ in found] == [0, 0, 0, 0, 0, 0, 2, 2, 0]
    assert found[0][1] == set()  # the ledger alone was asked
    assert [loaded & {"torch", "numba"} for _, loaded in found] == [set()] * len(found)


def test_torch_in_what_reads_the_parameters_is_seen(house: House) -> None:
    planted = "import ncnc_core.config.choices, ncnc_core.splits.evaluation_negatives\n"
    found = loaded_after_each(house, [["registry", "history", "--params", str(house.params_file)]], before=planted)
    assert found == [(0, {"torch", "numba"})]


def test_a_command_that_a_runner_started_ends_with_it() -> None:
    source = "import time; from pipeline import cli; cli.app.command('wait')(lambda: time.sleep(60)); cli.main()"
    environment = {**os.environ, "NCNC_RUNNER_PID": "1"}  # not the parent: as if that were gone
    done = subprocess.run([sys.executable, "-c", source, "wait"], env=environment, timeout=50, check=False)
    assert done.returncode == -signal.SIGKILL


def test_a_command_that_is_told_to_stop_says_so_and_ends_75() -> None:
    source = """
import os, signal
from pipeline import cli
cli.app.command("wait")(lambda: os.kill(os.getpid(), signal.SIGTERM))
cli.main()
"""
    done = subprocess.run([sys.executable, "-c", source, "wait"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (75, "")
    assert done.stderr == "ncnc: The command was told to stop (SIGTERM). Run it again: finished work is kept.\n"


def test_only_our_own_messages_are_logged_below_a_warning() -> None:
    source = """
import logging
from pipeline import cli

@cli.app.command("speak")
def speak():
    for name in ("pipeline.snapshots", "ncnc_core.training", "botocore.credentials"):
        logging.getLogger(name).info("Found credentials in %s", name)
    logging.getLogger("botocore.credentials").warning("expired")

cli.main()
"""
    done = subprocess.run([sys.executable, "-c", source, "speak"], capture_output=True, text=True, check=False)
    assert [line.split(" ", 2)[2] for line in done.stderr.splitlines()] == [
        "INFO pipeline.snapshots Found credentials in pipeline.snapshots",
        "INFO ncnc_core.training Found credentials in ncnc_core.training",
        "WARNING botocore.credentials expired",
    ]
