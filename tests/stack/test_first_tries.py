"""Two processes that use a new home at the same moment, and one that is interrupted while it makes it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(600)
ROOT = Path(__file__).parents[2]
EDGES = "source,target\n" + "".join(f"{node},{(node + step) % 60}\n" for node in range(60) for step in (1, 2, 3))
SMALL = ("train.training.epochs=1", "split.minimum_test_edges=10", "split.negatives_per_edge=4")


def begun(folder: Path) -> subprocess.Popen[str]:
    settings = [part for setting in SMALL for part in ("--set", setting)]
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", "try", "edges.csv", "--home", "home", *settings],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "edges.csv").write_text(EDGES)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    return tmp_path


def test_two_first_tries_at_once_both_end_well(folder: Path) -> None:
    tries = [begun(folder), begun(folder)]
    said = [one.communicate(timeout=500) for one in tries]
    assert [one.returncode for one in tries] == [0, 0], said


def test_a_try_goes_on_in_a_home_whose_making_was_interrupted(folder: Path) -> None:
    interrupted = begun(folder)
    deadline = time.monotonic() + 200
    while not list(folder.glob("home/*/.mlflow.db.*.partial")):
        assert interrupted.poll() is None, interrupted.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    interrupted.send_signal(signal.SIGINT)
    interrupted.communicate(timeout=100)
    assert interrupted.returncode != 0
    assert not list(folder.glob("home/*/mlflow.db"))
    again = begun(folder)
    said = again.communicate(timeout=500)
    assert again.returncode == 0, said
