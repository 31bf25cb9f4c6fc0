"""A data repository to publish in, and publishers in processes of their own that die or stop at a named point."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.origin.git import GitOrigin
from pipeline.records.manifest import write_manifest
from pipeline.snapshots.published import Publication
from pipeline.snapshots.snapshot_store import SnapshotStore

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
SOURCE = "5" * 64
ROOT = Path(__file__).parents[1]


def publish(
    store: SnapshotStore, folder: Path, *, night: int, graph: str = "demo", previous: str | None = None
) -> Publication:
    """Publish a folder as the snapshot of a night."""
    return store.publish(
        folder,
        graph=graph,
        as_of=FIRST + timedelta(days=night),
        content_id=f"{night:x}" * 64,
        source_sha256=SOURCE,
        num_edges=3,
        previous_tag=previous,
    )


def read(folder: Path) -> dict[str, str]:
    """Return every file below a folder, path to text."""
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def git(repository: Path, *arguments: str) -> str:
    """Run plain git in a repository."""
    answer = subprocess.run(["git", "-C", repository, *arguments], capture_output=True, text=True, check=True)
    return answer.stdout


class Place:
    """A data repository with its DVC remote, and folders to publish from."""

    def __init__(self, root: Path, remote: str = "") -> None:
        self.root = root
        self.origin, self.remote, self.home = root / "graph-data.git", root / "remote", root / "home"
        SnapshotStore.create(str(self.origin), remote or str(self.remote))
        self.store = SnapshotStore(str(self.origin), self.home)

    def folder(self, text: str, name: str = "staged") -> Path:
        folder = self.root / name
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "edges").mkdir(parents=True)
        (folder / "nodes.parquet").write_text("nodes")
        (folder / "edges" / "a.parquet").write_text(text)
        write_manifest(folder)
        return folder

    def publish(self, night: int, text: str = "edges", previous: str | None = None, graph: str = "demo") -> Publication:
        return publish(self.store, self.folder(text, f"staged-{graph}"), night=night, graph=graph, previous=previous)

    def fresh(self) -> SnapshotStore:
        """Return a store of another machine: nothing in its cache."""
        return SnapshotStore(str(self.origin), Path(tempfile.mkdtemp(dir=self.root)))

    def fetched(self, tag: str) -> dict[str, str]:
        """Fetch a tag to another machine, every byte verified, and return the files."""
        store, target = self.fresh(), Path(tempfile.mkdtemp(dir=self.root)) / "out"
        return read(store.fetch(tag, target))

    def log(self, branch: str) -> list[str]:
        """Return the subjects of a branch, newest first, as plain git shows them."""
        return git(self.origin, "log", "--format=%s", branch).splitlines()

    def tags(self) -> list[str]:
        return [name.removeprefix("refs/tags/") for name in GitOrigin(str(self.origin), self.home).refs("refs/tags/*")]

    def flip(self, where: Path, kind: str = "edges/a.parquet") -> None:
        """Flip a bit of the object that holds a file of the staged folder, and leave its name, size, mode and times."""
        good = (self.root / "staged-demo" / kind).read_bytes()
        for path in where.rglob("*"):
            if path.is_file() and path.read_bytes() == good:
                stat = path.stat()
                path.chmod(0o644)
                path.write_bytes(bytes([good[0] ^ 1]) + good[1:])
                path.chmod(0o444)
                os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
                return
        raise LookupError(where)


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def stop() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def arm(point: str, strike: Callable[[], None] = kill) -> None:
    """Make this process strike itself when it reaches a point of the write-ahead order."""
    import dvc.repo
    import dvc_objects.fs.local as local

    from pipeline.origin.git import GitClone
    from pipeline.snapshots import publisher

    places: dict[str, tuple[Any, str, bool]] = {  # whose attribute, and whether it is done before the strike
        "staged": (shutil, "copytree", True),
        "manifest": (publisher, "write_manifest", True),
        "added": (dvc.repo.Repo, "push", False),
        "half_added": (local.FsspecLocalFileSystem, "put_file", True),
        "half_written": (local.os, "replace", False),  # one object copied, and not yet under its name
        "half_pushed": (local.FsspecLocalFileSystem, "put_file", True),
        "verified": (publisher, "compare_digests", True),
        "tagged": (GitClone, "push", False),
        "pushed": (GitClone, "push", True),
    }
    owner, name, first = places[point]
    original = getattr(owner, name)
    # What DVC copies, it copies to its cache first.
    where = "remote/" if point in ("half_written", "half_pushed") else ""

    def struck(*arguments: Any, **options: Any) -> Any:
        if where not in str(arguments):
            return original(*arguments, **options)
        setattr(owner, name, original)
        answer = original(*arguments, **options) if first else None
        strike()
        return answer if first else original(*arguments, **options)

    setattr(owner, name, struck)


def start(place: Place, **arguments: Any) -> subprocess.Popen[str]:
    """Start a publisher in a process of its own; see `main` for what may be said to it."""
    words = {"origin": str(place.origin), "home": str(place.home), **arguments}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.publishing", json.dumps(words, default=str)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_stopped(process: subprocess.Popen[str]) -> None:
    """Return once a process has stopped itself."""
    while (state := Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]) != "T":
        assert state != "Z", process.communicate()[1]
        time.sleep(0.05)


def main(words: dict[str, Any]) -> None:
    """Publish once, after the file `go` is there, and strike as told; print what came of it."""
    if "die" in words:
        arm(words["die"])
    if "stop" in words:
        arm(words["stop"], stop)
    while "go" in words and not Path(words["go"]).exists():
        time.sleep(0.01)
    store, folder = SnapshotStore(words["origin"], Path(words["home"])), Path(words["folder"])
    if "run_key" in words:
        found = store.publish_split(
            folder, graph="demo", as_of=FIRST + timedelta(days=words["night"]), run_key=words["run_key"]
        )
    else:
        found = publish(
            store, folder, night=words["night"], graph=words.get("graph", "demo"), previous=words.get("previous")
        )
    sys.stdout.write(json.dumps(found.__dict__))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
