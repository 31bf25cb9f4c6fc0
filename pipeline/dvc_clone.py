"""DVC in one private clone: add and push a folder, read it back from the remote, or bring it here."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvc.repo import Repo

from pipeline.errors import OutsideTrouble, StepError, TamperedRecord

logger = logging.getLogger(__name__)

BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class DvcClone:
    """A clone's DVC side; the cache is shared by all clones of this machine, locks and state are the clone's own."""

    path: Path
    cache: Path

    def add_and_push(self, folder: str) -> str:
        """Track a folder, send its new objects to the remote, and return its md5."""
        with self._repo() as repo:
            stage = repo.add(str(self.path / folder))[0]
            sent = repo.push(targets=[str(self.path / f"{folder}.dvc")])
            logger.info("sent %d objects of %s to the DVC remote", sent, folder)
            return str(stage.outs[0].hash_info.value)

    def read_back(self, md5: str) -> dict[str, str]:
        """Return the sha256 of every file of a tracked folder, taken over the bytes that the remote holds."""
        with self._repo() as repo:
            remote = repo.cloud.get_remote_odb()
            listing = _listing(remote, md5)
            return {item["relpath"]: _sha256(remote, item["md5"]) for item in listing}

    def bring(self, folder: str, md5: str) -> None:
        """Fetch a tracked folder and check it out.

        Raises:
            TamperedRecord: the list of its files does not have the md5 that was committed for it.
        """
        with self._repo() as repo:
            for store in (repo.cache.local, repo.cloud.get_remote_odb()):
                if store.exists(md5):
                    _listing(store, md5)
            repo.pull(targets=[str(self.path / f"{folder}.dvc")])

    @contextmanager
    def _repo(self) -> Iterator[Any]:  # Any: dvc ships no types
        self._configure()
        # DVC writes hints to stdout, which belongs to the one line that a caller of `ncnc` reads.
        logging.getLogger("dvc").setLevel(logging.WARNING)
        # It passes on whatever its storage clients raise, each of its own family.
        try:
            with Repo(str(self.path)) as repo:
                yield repo
        except StepError:
            raise
        except Exception as error:
            raise OutsideTrouble(
                f"DVC failed in {self.path.name}: {type(error).__name__}: {' '.join(str(error).split())}. Check that "
                f"the DVC remote named in .dvc/config of the data repository can be reached from this machine, that "
                f"its credentials are in the environment, and that none of its objects was deleted."
            ) from error

    def _configure(self) -> None:
        # DVC's own check is switched off here: it would hide which file differs, and ours misses nothing.
        remotes = re.findall(r"'remote \"(.+?)\"'", (self.path / ".dvc" / "config").read_text())
        settings = [f"[core]\n    site_cache_dir = {self.path.parent / 'site'}", f"[cache]\n    dir = {self.cache}"]
        settings += [f"['remote \"{name}\"']\n    verify = false" for name in remotes]
        (self.path / ".dvc" / "config.local").write_text("\n".join(settings) + "\n")


def _listing(store: Any, md5: str) -> list[dict[str, str]]:  # Any: dvc ships no types
    """Return the list of a tracked folder's files, its own md5 checked: it is the root of all the others."""
    with store.fs.open(store.oid_to_path(md5), "rb") as stream:
        content: bytes = stream.read()
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5.removesuffix(".dir"):
        raise TamperedRecord(
            f"The file list {md5} at {store.path} does not have the md5 in its name: its bytes were changed. Delete it "
            f"there and fetch again; if the remote holds no good copy either, restore it from backup."
        )
    listing: list[dict[str, str]] = json.loads(content)
    return listing


def _sha256(store: Any, md5: str) -> str:  # Any: dvc ships no types
    digest = hashlib.sha256()
    with store.fs.open(store.oid_to_path(md5), "rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
