"""Credentials come from the environment, and stay nowhere: no commit, record, log, home folder or stored object."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ncnc_core.random_spatial_network import NetworkDay
from tests.fixtures.house import House
from tests.fixtures.local_services import git_over_http, s3_store

ROOT = Path(__file__).parents[2]
PASSWORD, KEY = "hunter2-of-the-origin", "hunter3-of-the-bucket"
DYING = "import sys; from tests.fixtures.publishing import arm; arm('tagged'); from pipeline.cli import main; main()"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_secrets_are_found_nowhere(house: House, days: list[NetworkDay], tmp_path: Path) -> None:
    for night in (1, 2):
        house.deliver(night, days[night - 1])
    served, home = tmp_path / "served", tmp_path / "home"
    served.mkdir()
    with git_over_http(served, "robot", PASSWORD) as url, s3_store(tmp_path, "graphs") as access:
        environment = {
            **os.environ,
            **house.values,
            **access,
            "AWS_SECRET_ACCESS_KEY": KEY,
            "NCNC_DATA_REPOSITORY": url.replace("://", f"://robot:{PASSWORD}@"),
            "NCNC_DVC_REMOTE": "s3://graphs/dvc",
            "NCNC_LOG_LEVEL": "DEBUG",
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
        }
        said = []

        def ncnc(*argv: str, code: int = 0, script: str = "from pipeline.cli import main; main()") -> str:
            answer = subprocess.run(
                [sys.executable, "-c", script, *argv],
                cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert answer.returncode == code, answer.stderr[-3000:]
            said.append(answer.stdout + answer.stderr)
            return answer.stdout

        ingest = ("snapshots", "ingest", "--params", str(house.params_file), "--as-of")
        ncnc("snapshots", "init")
        ncnc(*ingest, house.as_of(1).isoformat())
        # One that is killed leaves its clone behind.
        ncnc(*ingest, house.as_of(2).isoformat(), code=-signal.SIGKILL, script=DYING)
        assert list((home / "tmp").glob("git-*"))
        ncnc(*ingest, house.as_of(2).isoformat())
        listed = ncnc("snapshots", "list", "small")
        tag = listed.partition('"tag": "')[2].partition('"')[0]
        ncnc("snapshots", "hold", tag, "--reason", "a paper")
        ncnc("snapshots", "get", tag, str(tmp_path / "out"))
        environment["NCNC_DATA_REPOSITORY"] = url.replace("://", f"://robot:{PASSWORD}-wrong@")
        ncnc("snapshots", "list", "small", code=75)

    objects = subprocess.run(
        ["git", "-C", served / "graph-data.git", "cat-file", "--batch-all-objects", "--batch"],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    assert b"Publish snap/small" in objects
    kept = {"git objects": objects, "output": "".join(said).encode()}
    kept |= {str(path): path.read_bytes() for folder in (home, served) for path in folder.rglob("*") if path.is_file()}
    assert "Publish" in said[1] or "sent" in said[1]
    for secret in (PASSWORD, KEY):
        assert [where for where, content in kept.items() if secret.encode() in content] == []
