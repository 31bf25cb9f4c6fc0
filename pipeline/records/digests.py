"""SHA-256 digests of files and folders, and copies that are made only when the digests hold."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from pipeline.errors import TamperedRecord
from pipeline.records.part import Part, Sha256


def folder_digest(files: tuple[FileDigest, ...]) -> str:
    """Return one sha256 over the paths and digests of a folder's files."""
    lines = sorted(f"{item.sha256}  {item.path}\n" for item in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def keep_verified(found: Path | None, destination: Path, files: tuple[FileDigest, ...], what: str) -> Path:
    """Copy the listed files of a fetched folder, after every one of them was found to have its digest.

    Raises:
        TamperedRecord: a file is missing or differs.
    """
    observed = {item.path: item.sha256 for item in digests_of_folder(found)} if found else {}
    for item in files:
        if observed.get(item.path) != item.sha256:
            raise TamperedRecord(
                f"{item.path} in {what} has sha256 {observed.get(item.path, 'nothing')[:12]}, but the record says "
                f"{item.sha256[:12]}. It was changed after it was stored; restore it from a backup, or run the step "
                f"that made it again."
            )
    for item in files:
        target = destination / item.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile((found or destination) / item.path, target)
    return destination


class FileDigest(Part):
    """One file: its path relative to the folder that the record describes, and its sha256."""

    path: str
    sha256: Sha256


def sha256_of_file(path: Path) -> str:
    """Return the sha256 of a file's bytes, read in blocks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of_text(text: str) -> str:
    """Return the sha256 of a text's bytes, as they are in a file or in git."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def digests_of_folder(folder: Path) -> tuple[FileDigest, ...]:
    """Return the digest of every file below a folder, sorted by path."""
    return tuple(
        FileDigest(path=path.relative_to(folder).as_posix(), sha256=sha256_of_file(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    )
