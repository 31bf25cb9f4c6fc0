"""Delivered files: found by fsspec at a location, copied to this machine, and hashed on the way."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import fsspec  # type: ignore[import-untyped]  # it ships no types
from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]

from pipeline.credentials import public, public_text
from pipeline.errors import InvalidInput, NotDelivered, OutsideTrouble
from pipeline.local_trouble import local_trouble
from pipeline.sources.formats import SUFFIXES
from pipeline.sources.taken_table import TakenFile, TakenTable

BLOCK_BYTES = 1 << 20

# What a source mends by itself in time. A client's own errors, and of the system's those that a person must mend, are
# not among them.
PASSING = (FileNotFoundError, ConnectionError, TimeoutError)


class NotFetched(OutsideTrouble):
    """A file could not be fetched; reason: the type of the client's error, whose text may show credentials."""

    def __init__(self, message: str, reason: type[Exception]) -> None:
        super().__init__(message)
        self.reason = reason


class NotThere(NotFetched, NotDelivered):
    """A file is not there, or its store does not answer: the source did not deliver yet."""


def take_files(location: str, target: Path, *, in_place: bool) -> TakenTable:
    """Copy what lies at a location, a file or all that a pattern with * names, and hash it on the way.

    The bytes that are hashed are the bytes that are read, even if the source rewrites the file meanwhile. in_place:
    leave Parquet files of this machine where they are, without a digest; for a caller that reads a part of them once.

    Raises:
        InvalidInput: the suffix names no known format.
        NotThere: nothing is there, or the store does not answer: the source did not deliver yet.
        NotFetched: what is there could not be fetched.
    """
    suffix = next((suffix for suffix in SUFFIXES if location.endswith(suffix)), None)
    if suffix is None:
        raise InvalidInput(
            f"The source file {public(location)} has no format known here. Deliver one of {', '.join(SUFFIXES)}."
        )
    try:
        found = _found(location)
        if not found:
            raise FileNotFoundError("no file has such a name")
        stay = in_place and suffix == ".parquet"
        return TakenTable(
            public(location),
            tuple(
                _take(system, path, public(name), target.with_name(f"{target.name}-{number:05}{suffix}"), stay=stay)
                for number, (system, path, name) in enumerate(found)
            ),
        )
    # Every fsspec backend raises its own client's errors. Whatever it is, the file could not be fetched.
    except Exception as error:
        if trouble := local_trouble(error, denied=False):
            raise trouble from None
        reason = f"{type(error).__name__}: {public_text(str(error), location)}"
        failed = NotThere if isinstance(error, PASSING) else NotFetched
        raise failed(
            f"The source did not deliver {public(location)} ({reason}). Ask the owner of the export, or "
            f"correct NCNC_SOURCE_EDGES and NCNC_SOURCE_NODES; the run tries again by itself.",
            type(error),
        ) from None  # the client's message may hold credentials: keep it out of the traceback


def _found(location: str) -> list[tuple[fsspec.AbstractFileSystem, str, str]]:
    """Return each file's file system, its path there, and its name; a pattern's files in the order of their names."""
    system, path = fsspec.core.url_to_fs(location)
    if "*" not in location:
        return [(system, path, location)]
    local = isinstance(system, LocalFileSystem)
    return [(system, one, one if local else system.unstrip_protocol(one)) for one in sorted(system.glob(path))]


def _take(system: fsspec.AbstractFileSystem, path: str, name: str, copy: Path, *, stay: bool) -> TakenFile:
    modified = _modified(system, path)
    if stay and isinstance(system, LocalFileSystem):
        with system.open(path, "rb"):  # raises if it is not there, or not readable
            return TakenFile(name, Path(path), None, modified)
    digest = hashlib.sha256()
    with system.open(path, "rb") as source, copy.open("wb") as target:
        while block := source.read(BLOCK_BYTES):
            digest.update(block)
            target.write(block)
    return TakenFile(name, copy, digest.hexdigest(), modified)


def _modified(system: fsspec.AbstractFileSystem, path: str) -> datetime | None:
    """Return when a file was written; None if the store does not know, which each store reports in its own way."""
    try:
        modified = system.modified(path)
    except Exception:
        return None
    if not isinstance(modified, datetime):
        return None
    return modified if modified.tzinfo else modified.replace(tzinfo=UTC)
