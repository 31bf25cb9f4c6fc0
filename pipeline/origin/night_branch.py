"""The branch `nights` of the data repository: a commit and a tag for each decided night, for plain DVC to compare."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from pipeline.origin.data_repository import BRANCH as MAIN
from pipeline.origin.git import GitClone, GitOrigin, attempts
from pipeline.origin.shared_clone import shared_clone
from pipeline.records.measures import METRICS_FILE, plot_definitions

BRANCH = "nights"
TAGS = "night"
SETTINGS = (".dvc/config", ".dvc/.gitignore", ".dvcignore")


class NightBranch:
    """Each decided night's metrics and plots, so that `dvc metrics diff` and `dvc plots diff` work between two tags."""

    def __init__(self, origin: str, home: Path) -> None:
        self._origin = GitOrigin(origin, home)

    def publish(self, run_name: str, files: Mapping[str, str]) -> str:
        """Commit a night's files and tag them `night/<run name>`; a night that has its tag is left as it is.

        Branch and tag are pushed together and never by force. Of two tries, the second finds the tag and stops.

        Raises:
            OutsideTrouble: the origin cannot be reached.
        """
        tag = f"{TAGS}/{run_name}"
        with shared_clone(self._origin) as clone:
            for _ in attempts():
                if clone.git("ls-remote", "--refs", clone.url, f"refs/tags/{tag}"):
                    return tag
                commit = _committed(clone, f"{run_name}: metrics and plots", files)
                if clone.push(f"{commit}:refs/heads/{BRANCH}", f"{commit}:refs/tags/{tag}"):
                    return tag
        raise AssertionError  # unreachable: attempts() ends by raising


def _committed(clone: GitClone, message: str, files: Mapping[str, str]) -> str:
    """Commit the night's files on the branch's newest commit, in place of those of the night before."""
    tip, settings = clone.fetch_tip(BRANCH), dict[str, str]()
    if tip is None:
        # The branch starts with the repository's DVC settings, so that DVC works in a checkout of it.
        main = clone.fetch_tip(MAIN)
        found = clone.contents([f"{main}:{name}" for name in SETTINGS])
        settings = {name.partition(":")[2]: text for name, text in found.items() if text is not None}
    declared = {"metrics": [METRICS_FILE], "plots": plot_definitions()}
    dvc_file = {"dvc.yaml": yaml.safe_dump(declared, sort_keys=False)}
    removed = ("plots", METRICS_FILE) if tip else ()
    return clone.commit_files(message, {**settings, **files, **dvc_file}, onto=tip, removed=removed)
