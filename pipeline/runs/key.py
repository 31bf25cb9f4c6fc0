"""The run key: one digest for a graph, the parameters that change the model, and the code that would run."""

from __future__ import annotations

import hashlib
import subprocess
from functools import cache
from pathlib import Path

from pipeline.environment import Environment

PACKAGES = ("ncnc_core", "pipeline")
ROOT = Path(__file__).resolve().parents[2]


def run_key(content_id: str, params_sha256: str, code_version: str) -> str:
    """Return the sha256 that two runs share if and only if they would do the same work."""
    return hashlib.sha256(f"{content_id}\n{params_sha256}\n{code_version}\n".encode()).hexdigest()


@cache
def code_version() -> str:
    """Return the sha256 over the installed sources of the core and the pipeline.

    Not the git commit: an image has no .git, and an edit of the README must not retrain.
    """
    digest = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            digest.update(f"{path.relative_to(ROOT).as_posix()}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


@cache
def git_commit() -> str | None:
    """Return the commit the sources stand at, in an image the one that it was built from; recorded, never keyed on."""
    if not (ROOT / ".git").exists():
        return Environment.of_process().git_commit
    answer = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return answer.stdout.strip() or None
