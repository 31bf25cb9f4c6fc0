"""The first commit of a data repository: a git origin whose DVC remote plain readers find in it."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from pipeline.credentials import CREDENTIALS
from pipeline.errors import InvalidInput
from pipeline.origin.bare_repository import equip
from pipeline.origin.git import GitClone, GitOrigin, attempts

BRANCH = "main"
LOGIN = re.compile(r"://([^/@\s]+|[^/@\s]*:[^\s?#]*)@")  # an @ further on, in a path, is none
CONFIG = """\
[core]
    analytics = false
    remote = storage
['remote "storage"']
    url = {url}
    verify = true
"""


def create_data_repository(origin: str, dvc_remote: str) -> None:
    """Make the bare repository, where the origin is a path that is not there, and its first commit.

    A bare repository at a path is equipped, so that no push to it takes anything back.

    Raises:
        InvalidInput: it is a data repository already, with another DVC remote, or the remote's URL holds credentials.
    """
    if LOGIN.search(dvc_remote):
        raise InvalidInput(
            f"The DVC remote {CREDENTIALS.sub('://***@', dvc_remote)} has credentials in its URL, and its URL is "
            f"committed for every reader. Leave them out of NCNC_DVC_REMOTE; each machine keeps its own in the "
            f"environment (for S3: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)."
        )
    path = Path(origin.removeprefix("file://"))
    if "://" not in str(path) and path.is_absolute() and (not path.exists() or (path / "HEAD").is_file()):
        equip(path, branch=BRANCH)
    config = CONFIG.format(url=dvc_remote if "://" in dvc_remote else Path(dvc_remote).absolute())
    files = {".dvc/config": config, ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n", ".dvcignore": ""}
    with tempfile.TemporaryDirectory() as scratch, GitOrigin(origin, Path(scratch)).clone() as clone:
        for _ in attempts():
            if clone.fetch_branch(BRANCH):
                _expect(clone, config, origin)
                return
            for name, content in files.items():
                write_file(clone.path / name, content)
            clone.commit("Set up the data repository", *files)
            if clone.push(f"HEAD:refs/heads/{BRANCH}"):
                return


def write_file(path: Path, content: str) -> None:
    """Write a text file, its folder made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def _expect(clone: GitClone, config: str, origin: str) -> None:
    path = clone.path / ".dvc" / "config"
    found = path.read_text() if path.is_file() else ""
    if found != config:
        shown, said = CREDENTIALS.sub("://", origin), CREDENTIALS.sub("://", " ".join(found.split())) or "none"
        raise InvalidInput(
            f"{shown} is a repository already, with another DVC configuration ({said}). "
            f"Set NCNC_DVC_REMOTE to its remote, or NCNC_DATA_REPOSITORY to a new repository."
        )
