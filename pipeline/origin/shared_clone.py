"""One clone of the origin for the whole process: made once, fetched before each read, removed when the process ends."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.origin.git import GitClone, GitOrigin


@dataclass
class _Kept:
    """The clone of one origin, and the lock under which one thread at a time uses it."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    clone: GitClone | None = None


_KEPT: dict[GitOrigin, _Kept] = {}

# A child process makes clones of its own: it would write into its parent's at the same time.
os.register_at_fork(after_in_child=_KEPT.clear)


@contextmanager
def shared_clone(origin: GitOrigin) -> Iterator[GitClone]:
    """Give this process's clone of an origin, to one thread at a time; fetch into it whatever must be fresh.

    Use it to read and commit texts, without a working tree. What an earlier use fetched is still in it; what it lacks
    of the origin only a push can tell, and a push that is not forced is refused then. After any error the clone is
    thrown away, so that a lock or half a fetch that a killed git left behind does not stay for the next use.
    """
    kept = _KEPT.setdefault(origin, _Kept())
    with kept.lock:
        if kept.clone is None or not kept.clone.path.is_dir():
            kept.clone = _made(origin)
        clone = kept.clone
        try:
            yield clone
        except BaseException:
            kept.clone = None
            shutil.rmtree(clone.path.parent, ignore_errors=True)
            raise


def _made(origin: GitOrigin) -> GitClone:
    parent = origin.home / "tmp"
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="git-", dir=parent))
    atexit.register(_remove, folder, os.getpid())
    return origin.new_clone(folder / "clone")


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:  # not at the end of a forked child: its parent goes on
        shutil.rmtree(folder, ignore_errors=True)
