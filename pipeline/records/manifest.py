"""SHA256SUMS: a folder's manifest in the format of sha256sum, so that `sha256sum -c` is all a reader needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import TamperedRecord
from pipeline.records.digests import digests_of_folder, sha256_of_file

MANIFEST = "SHA256SUMS"


def write_manifest(folder: Path) -> str:
    """Write the digest of every other file below a folder, sorted by path; return the manifest's own sha256."""
    path = folder / MANIFEST
    path.unlink(missing_ok=True)
    path.write_text("".join(f"{item.sha256}  {item.path}\n" for item in digests_of_folder(folder)))
    return sha256_of_file(path)


def read_manifest(folder: Path) -> dict[str, str]:
    """Return what the manifest says: path to sha256."""
    lines = [line.partition("  ") for line in (folder / MANIFEST).read_text().splitlines()]
    return {path: sha256 for sha256, _, path in lines}


def verify_manifest(folder: Path, manifest_sha256: str, source: str) -> None:
    """Check every byte below a folder against its manifest, and the manifest against the digest recorded for it.

    Raises:
        TamperedRecord: a file differs, is missing or is one too many; the first one is named.
    """
    found = {item.path: item.sha256 for item in digests_of_folder(folder)}
    if found.pop(MANIFEST, None) != manifest_sha256:
        raise TamperedRecord(_message(MANIFEST, source, "does not have the sha256 that was committed for it"))
    compare_digests(found, read_manifest(folder), source)


def compare_digests(found: Mapping[str, str], expected: Mapping[str, str], source: str) -> None:
    """Check the digests that were found against those of a manifest, both path to sha256.

    Raises:
        TamperedRecord: a file differs, is missing or is one too many; the first one is named.
    """
    for name in sorted(expected.keys() | found.keys()):
        if found.get(name) != expected.get(name):
            rule = f"has sha256 {str(found.get(name))[:12]}, but {MANIFEST} says {str(expected.get(name))[:12]}"
            raise TamperedRecord(_message(name, source, rule))


def _message(name: str, source: str, rule: str) -> str:
    return (
        f"{name} of {source} {rule}: its bytes were changed after they were published. A damaged copy on "
        f"this machine is fetched again by itself; so restore that object of the DVC remote from backup."
    )
