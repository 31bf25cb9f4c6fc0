"""Files that are written whole or not at all, and folders that are on the disk before they get their name."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNFINISHED = ".*.partial"  # what a killed writer leaves beside its file; a pattern for pathlib's glob


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a path to write to, and put what was written there in the place of `path` when the block ends well.

    A reader sees the file of before or the new one, never a part, also after a power cut: the bytes are on the disk
    before the name points to them. The path to write to is in the same folder and belongs to this call alone, so that
    two writers cannot mix their bytes. Where the block raises, `path` is as it was and nothing is left beside it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
    try:
        yield staged
        _flush_to_disk(staged)
        staged.replace(path)
        _flush_to_disk(path.parent)
    finally:
        staged.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> Path:
    """Write a text file whole or not at all, in UTF-8 and with line ends as they are, and return its path."""
    with whole_file(path) as staged:
        staged.write_bytes(text.encode())
    return path


def flush_folder(folder: Path) -> None:
    """Wait until everything below a folder is on the disk; call it before the folder is renamed into its place."""
    for path in (*folder.rglob("*"), folder):
        _flush_to_disk(path)


def flush_names(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, as after a rename in it."""
    _flush_to_disk(folder)


def _flush_to_disk(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
