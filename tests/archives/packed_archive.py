"""A folder packed as small as it will go, after a look that it says nothing of the machine it was made on."""

from __future__ import annotations

import getpass
import shutil
import socket
import sqlite3
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

WRITTEN_AT = 1_772_924_400  # 2026-03-07 23:00 UTC for every file; not 0, which a collection takes for no time at all
UNNEEDED = ("home/dvc-cache", "home/tmp", "graph-data.git/hooks", "graph-data.git/info")


def pack(root: Path, archive: Path) -> None:
    """Drop what can be made again, compact git and SQLite, and write the folder's content as a .tar.xz."""
    for name in UNNEEDED:
        shutil.rmtree(root / name, ignore_errors=True)
    for folder in [*root.rglob("__pycache__"), *root.rglob(".staging")]:
        shutil.rmtree(folder, ignore_errors=True)
    for repository in root.glob("*.git"):
        subprocess.run(["git", "-C", str(repository), "gc", "--quiet", "--aggressive", "--prune=now"], check=True)
    for database in root.rglob("*.db"):
        with sqlite3.connect(database) as connection:
            connection.execute("VACUUM")
        connection.close()
    with tarfile.open(archive, "w:xz", preset=9) as packed:
        for path in sorted(root.rglob("*")):
            packed.add(path, path.relative_to(root).as_posix(), recursive=False, filter=_anonymous)


def require_neutral(root: Path, places: Sequence[Path]) -> None:
    """Refuse a folder whose files, or commits, name this host, its processor, or one of these paths."""
    # As `whoami` puts them: the name of a host may have two letters, which stand anywhere by chance.
    words = {f"@{socket.gethostname()}", f"{getpass.getuser()}@", *map(str, places)}
    words |= {line.partition(":")[2].strip() for line in _cpu_lines()}
    for name, content in _contents(root):
        for word in words - {"", "/"}:
            if word.encode() in content:
                raise SystemExit(f"{name} holds {word!r}, which names this machine. Nothing was packed.")


def _contents(root: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(path for path in root.rglob("*") if path.is_file() and ".git/objects" not in str(path)):
        yield path.relative_to(root).as_posix(), path.read_bytes()
    for repository in root.glob("*.git"):
        every = ["git", "-C", str(repository), "cat-file", "--batch", "--batch-all-objects"]
        yield repository.name, subprocess.run(every, capture_output=True, check=True).stdout


def _cpu_lines() -> list[str]:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    return [line for line in lines if line.startswith("model name")]


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = WRITTEN_AT
    return member
