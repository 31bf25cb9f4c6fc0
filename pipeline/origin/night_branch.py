"""The branch `nights` of the data repository: a commit and a tag for each decided night, for plain DVC to compare."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from pipeline.origin.data_repository import BRANCH as MAIN
from pipeline.origin.data_repository import write_file
from pipeline.origin.git import GitClone, GitOrigin, attempts
from pipeline.records.measures import METRICS_FILE, plot_definitions

BRANCH = "nights"
TAGS = "night"


class NightBranch:
    """Each decided night's metrics and plots, so that `dvc metrics diff` and `dvc plots diff` work between two tags."""

    def __init__(self, origin: str, home: Path) -> None:
        self._origin = GitOrigin(origin, home)

    def publish(self, run_name: str, files: Mapping[str, str]) -> str:
        """Commit a night's files and tag them `night/<run name>`; a night that has its tag is left as it is.

        Branch and tag are pushed at once and never by force: of two tries the second finds the tag and is done.

        Raises:
            OutsideTrouble: the origin cannot be reached.
        """
        tag = f"{TAGS}/{run_name}"
        with self._origin.clone() as clone:
            for _ in attempts():
                if clone.git("ls-remote", "--refs", clone.url, f"refs/tags/{tag}"):
                    return tag
                _write(clone, dict(files))
                clone.commit(f"{run_name}: metrics and plots", ".")
                if clone.push(f"HEAD:refs/heads/{BRANCH}", f"HEAD:refs/tags/{tag}"):
                    return tag
        raise AssertionError  # unreachable: attempts() ends by raising


def _write(clone: GitClone, files: dict[str, str]) -> None:
    """Lay the night's files over the branch's newest commit, in place of those of the night before."""
    if not clone.fetch_branch(BRANCH):
        # The branch begins with the repository's own settings, so that DVC takes a checkout of it for its own.
        clone.fetch(f"refs/heads/{MAIN}")
        for name in (".dvc/config", ".dvc/.gitignore", ".dvcignore"):
            write_file(clone.path / name, clone.git("show", f"FETCH_HEAD:{name}"))
    earlier = clone.git("ls-files", "plots", METRICS_FILE).splitlines()
    for name in (*earlier, "dvc.yaml"):
        (clone.path / name).unlink(missing_ok=True)
    declared = {"metrics": [METRICS_FILE], "plots": plot_definitions()}
    for name, text in {**files, "dvc.yaml": yaml.safe_dump(declared, sort_keys=False)}.items():
        write_file(clone.path / name, text)
