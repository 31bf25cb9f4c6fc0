"""The branch of nights, read as anyone reads it: with git and plain DVC, in a clone of the data repository."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.origin.data_repository import create_data_repository
from pipeline.origin.night_branch import NightBranch
from pipeline.records.measures import measures
from tests.fixtures.night_stories import decision, evaluation, trained

DVC = str(Path(sys.executable).parent / "dvc")
FIRST, SECOND = "demo-20260301T030000Z", "demo-20260302T030000Z"


def run(folder: Path, *argv: str) -> str:
    answer = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    path = tmp_path / "data.git"
    create_data_repository(str(path), str(tmp_path / "remote"))
    return path


def better() -> dict[str, str]:
    """The files of a night whose challenger was better by 0.1 MRR, and which had no slices."""
    challenger = evaluation().challenger
    mrr = challenger.metrics["mrr"].model_copy(update={"value": 0.57})
    other = evaluation().model_copy(
        update={
            "challenger": challenger.model_copy(update={"metrics": challenger.metrics | {"mrr": mrr}}),
            "slices": (),
        }
    )
    return measures(trained(), other, decision(promote=False))


def test_metrics_and_plots_of_two_nights_are_compared_by_plain_dvc(origin: Path, tmp_path: Path) -> None:
    branch = NightBranch(str(origin), tmp_path / "home")
    assert branch.publish(FIRST, measures(trained(), evaluation(), decision())) == f"night/{FIRST}"
    branch.publish(SECOND, better())
    run(tmp_path, "git", "clone", "--quiet", str(origin), "clone")
    clone = tmp_path / "clone"  # of main: the nights are read from their tags

    compared = json.loads(run(clone, DVC, "metrics", "diff", "--json", "--all", f"night/{FIRST}", f"night/{SECOND}"))
    assert compared["metrics.json"]["challenger.mrr"] == {"old": 0.47, "new": 0.57, "diff": pytest.approx(0.1)}
    assert compared["metrics.json"]["promote"]["diff"] == -1
    assert compared["metrics.json"]["champion.mrr"]["diff"] == 0

    run(clone, DVC, "plots", "diff", f"night/{FIRST}", f"night/{SECOND}", "--out", "page")
    page = (clone / "page" / "index.html").read_text()
    for title in ("Loss by epoch", "Validation metric by epoch", "The challenger by slice", "Reliability"):
        assert title in page
    assert f"night/{FIRST}" in page
    assert f"night/{SECOND}" in page


def test_the_branch_is_a_dvc_repository_of_its_own_and_holds_no_earlier_nights_files(
    origin: Path, tmp_path: Path
) -> None:
    branch = NightBranch(str(origin), tmp_path / "home")
    branch.publish(FIRST, {"metrics.json": "{}\n", "plots/old.csv": "a\n1\n"})
    branch.publish(SECOND, {"metrics.json": '{"a": 1}\n'})
    listed = run(origin, "git", "ls-tree", "-r", "--name-only", "nights").split()
    assert listed == [".dvc/.gitignore", ".dvc/config", ".dvcignore", "dvc.yaml", "metrics.json"]
    assert "plots/old.csv" in run(origin, "git", "ls-tree", "-r", "--name-only", f"night/{FIRST}")
    log = run(origin, "git", "log", "--format=%s", "nights").splitlines()
    assert log == [f"{SECOND}: metrics and plots", f"{FIRST}: metrics and plots"]


def test_a_night_told_twice_is_one_commit_and_two_at_once_lose_none(origin: Path, tmp_path: Path) -> None:
    def publish(run_name: str, home: str) -> str:  # a home each, so that each has a clone of its own
        return NightBranch(str(origin), tmp_path / home).publish(run_name, {"metrics.json": "{}\n"})

    with ThreadPoolExecutor(4) as pool:
        tags = list(pool.map(publish, [FIRST, SECOND, FIRST, SECOND], "abcd"))
    assert tags == [f"night/{FIRST}", f"night/{SECOND}"] * 2
    assert len(run(origin, "git", "log", "--format=%h", "nights").split()) == 2
