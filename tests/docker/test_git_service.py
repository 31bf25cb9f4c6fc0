"""The git service as compose.yaml starts it, on a free port and in a folder of the test."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def git(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    identity = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=30
    )


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[str]:
    compose: dict[str, Any] = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
    script = compose["services"]["git"]["command"][2]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    served = tmp_path / "srv"
    served.mkdir()
    script = script.replace("/srv/git", str(served))
    script = script.replace("git daemon", f"git daemon --listen=127.0.0.1 --port={port}")
    path = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    environment = {**os.environ, **path}
    # The same command twice: a restart must find the repository as it was.
    once = script.replace("exec git daemon", "exec true")
    subprocess.run(["sh", "-c", once], check=True, timeout=60, env=environment)
    daemon = subprocess.Popen(["sh", "-c", script], env=environment)
    url = f"git://127.0.0.1:{port}/graph-data.git"
    try:
        deadline = time.monotonic() + 20
        while git("ls-remote", url).returncode != 0:
            assert time.monotonic() < deadline, "the git service did not start"
            time.sleep(0.05)
        yield url
    finally:
        # `git daemon` is a wrapper that dies by the signal; its child is the server, and goes with it.
        daemon.terminate()
        daemon.wait(timeout=10)


@pytest.fixture
def clone(origin: str, tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    assert git("clone", "--quiet", origin, str(folder)).returncode == 0
    git("commit", "--quiet", "--allow-empty", "-m", "first", folder=folder)
    assert git("push", "--quiet", "--atomic", "origin", "HEAD:refs/heads/main", folder=folder).returncode == 0
    return folder


def test_the_first_push_of_a_claim_wins_and_the_second_is_refused(clone: Path) -> None:
    first = git("commit-tree", "-m", "one", "HEAD^{tree}", folder=clone).stdout.strip()
    second = git("commit-tree", "-m", "two", "HEAD^{tree}", folder=clone).stdout.strip()
    assert git("push", "origin", f"{first}:refs/claims/night", folder=clone).returncode == 0
    assert git("push", "origin", f"{second}:refs/claims/night", folder=clone).returncode != 0
    forced = git("push", "--force", "origin", f"{second}:refs/claims/night", folder=clone)
    assert "tags and claims are neither moved nor deleted" in forced.stderr
    assert git("ls-remote", "origin", "refs/claims/night", folder=clone).stdout.startswith(first)


def test_history_can_be_neither_rewritten_nor_deleted(clone: Path) -> None:
    git("commit", "--quiet", "--amend", "--allow-empty", "-m", "rewritten", folder=clone)
    forced = git("push", "--force", "origin", "HEAD:refs/heads/main", folder=clone)
    assert forced.returncode != 0
    assert "non-fast-forward" in forced.stderr
    deleted = git("push", "origin", ":refs/heads/main", folder=clone)
    assert deleted.returncode != 0
    assert "deletion prohibited" in deleted.stderr
