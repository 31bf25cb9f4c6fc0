"""A folder that came from outside, copied only after every file was found to be the one that was recorded."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from pipeline.errors import TamperedRecord
from pipeline.records import FileDigest, digests_of_folder


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
