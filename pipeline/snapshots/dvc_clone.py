"""DVC in one private clone: it adds and pushes a folder, reads it back from the remote, or fetches it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvc.repo import Repo

from pipeline.credentials import public_text
from pipeline.errors import OutsideTrouble, StepError
from pipeline.local_trouble import local_trouble
from pipeline.snapshots.remote_objects import RemoteObjects, file_list, remove_damaged, sha256_of_files

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DvcClone:
    """DVC in a clone. All clones of this machine share the cache; locks and state are the clone's own."""

    path: Path
    cache: Path

    def add_and_push(self, folder: str) -> str:
        """Track a folder, send its new objects to the remote, and return its md5."""
        with self._repo() as repo:
            stage = repo.add(str(self.path / folder))[0]
            # DVC takes an object that is in the cache to be whole, and would send it as it is.
            if remove_damaged(repo.cache.local, str(stage.outs[0].hash_info.value)):
                stage = repo.add(str(self.path / folder))[0]
            sent = repo.push(targets=[str(self.path / f"{folder}.dvc")])
            logger.info("sent %d objects of %s to the DVC remote", sent, folder)
            return str(stage.outs[0].hash_info.value)

    def read_back(self, md5: str) -> dict[str, str]:
        """Return the sha256 of every file of a tracked folder, taken over the bytes that the remote holds."""
        with self._repo() as repo:
            remote = repo.cloud.get_remote_odb()
            return sha256_of_files(remote, md5)

    def bring(self, folder: str, md5: str) -> None:
        """Fetch a tracked folder and check it out.

        Raises:
            TamperedRecord: the list of its files does not have the md5 that was committed for it.
        """
        with self._repo() as repo:
            for store in (repo.cache.local, repo.cloud.get_remote_odb()):
                if store.exists(md5):
                    file_list(store, md5)
            repo.pull(targets=[str(self.path / f"{folder}.dvc")])

    def remove_damaged(self, md5: str) -> int:
        """Remove from the cache the objects of a tracked folder whose bytes do not have their md5; return how many."""
        with self._repo() as repo:
            return remove_damaged(repo.cache.local, md5)

    @contextmanager
    def objects(self) -> Iterator[RemoteObjects]:
        """Give access to the remote's objects within the block."""
        with self._repo() as repo:
            yield RemoteObjects(repo.cloud.get_remote_odb(), repo.cache.local)

    @contextmanager
    def _repo(self) -> Iterator[Any]:  # Any: dvc ships no types
        self._configure()
        # DVC writes hints to stdout, where callers of `ncnc` expect one line of JSON.
        logging.getLogger("dvc").setLevel(logging.WARNING)
        # DVC passes on the errors of its storage clients, whatever their types.
        try:
            with Repo(str(self.path)) as repo:
                yield repo
        except StepError:
            raise
        except Exception as error:
            if trouble := local_trouble(error):
                raise trouble from error
            said = public_text(" ".join(str(error).split()))
            raise OutsideTrouble(
                f"DVC failed in {self.path.name}: {type(error).__name__}: {said}. Check that "
                f"the DVC remote named in .dvc/config of the data repository can be reached from this machine, that "
                f"its credentials are in the environment, and that none of its objects was deleted."
            ) from error

    def _configure(self) -> None:
        # DVC's own check is off: it does not say which file differs. The manifest is checked instead.
        remotes = re.findall(r"'remote \"(.+?)\"'", (self.path / ".dvc" / "config").read_text())
        settings = [f"[core]\n    site_cache_dir = {self.path.parent / 'site'}", f"[cache]\n    dir = {self.cache}"]
        settings += [f"['remote \"{name}\"']\n    verify = false" for name in remotes]
        (self.path / ".dvc" / "config.local").write_text("\n".join(settings) + "\n")
