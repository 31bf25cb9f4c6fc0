"""Delivered files: found by fsspec at a location, copied to this machine, and hashed on the way."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import fsspec  # type: ignore[import-untyped]  # it ships no types
from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]

from pipeline.credentials import LITERAL, public, public_text
from pipeline.errors import InvalidInput, NotDelivered, OutsideTrouble
from pipeline.local_trouble import local_trouble
from pipeline.sources.formats import SUFFIXES
from pipeline.sources.taken_table import TakenFile, TakenTable

BLOCK_BYTES = 1 << 20

# What a source mends by itself in time. A client's own errors, and of the system's those that a person must mend, are
# not among them.


class StillWritten(OSError):
    """A folder of parts whose writer is still at work."""


PASSING = (FileNotFoundError, StillWritten, ConnectionError, TimeoutError)


class NotFetched(OutsideTrouble):
    """A file could not be fetched; reason: the type of the client's error, whose text may show credentials."""

    def __init__(self, message: str, reason: type[Exception]) -> None:
        super().__init__(message)
        self.reason = reason


class NotThere(NotFetched, NotDelivered):
    """A file is not there, or its store does not answer: the source did not deliver yet."""


def take_files(location: str, target: Path, *, in_place: bool) -> TakenTable:
    """Copy what lies at a location, and hash it on the way: a file, a folder of parts, or what a pattern with * names.

    The bytes that are hashed are the bytes that are read, even if the source rewrites the file meanwhile. in_place:
    leave Parquet files of this machine where they are, without a digest, if DuckDB can open them by their
    name; for a caller that reads a part of them once.

    Raises:
        InvalidInput: the suffix names no known format.
        NotThere: nothing is there, or the store does not answer: the source did not deliver yet.
        NotFetched: what is there could not be fetched.
    """
    try:
        found = _found(location)
        suffix = _suffix(location, [path for _, path, _ in found])
        stay = in_place and suffix == ".parquet"
        return TakenTable(
            public(location),
            tuple(
                _take(
                    system,
                    path,
                    public(name),
                    target.with_name(f"{target.name}-{number:05}{suffix}"),
                    # DuckDB would take these signs for a pattern, and the suffix as it is written for the format.
                    stay=stay and path.endswith(suffix) and not glob.has_magic(path),
                )
                for number, (system, path, name) in enumerate(found)
            ),
        )
    except InvalidInput:
        raise
    # Every fsspec backend raises its own client's errors. Whatever it is, the file could not be fetched.
    except Exception as error:
        if trouble := local_trouble(error, denied=False):
            raise trouble from None
        reason = f"{type(error).__name__}: {public_text(str(error), location)}"
        failed = NotThere if isinstance(error, PASSING) else NotFetched
        raise failed(
            f"The source did not deliver {public(location)} ({reason}). Ask the owner of the export, or "
            f"correct NCNC_SOURCE_EDGES and NCNC_SOURCE_NODES; the night waits for it.",
            type(error),
        ) from None  # the client's message may hold credentials: keep it out of the traceback


def _found(location: str) -> list[tuple[fsspec.AbstractFileSystem, str, str]]:
    """Return each file's file system, its path there, and its name; several files in the order of their names."""
    if location.startswith(LITERAL):
        system, path = LocalFileSystem(), location.removeprefix(LITERAL)
    else:
        system, path = fsspec.core.url_to_fs(location)
        if "*" in location:
            return _named(system, system.glob(path))
    # Asked whether it is a folder, a web server would send the whole file.
    if "http" not in system.protocol and system.isdir(path):
        return _named(system, _parts(system, path))
    return [(system, path, location)]


def _parts(system: fsspec.AbstractFileSystem, folder: str) -> list[str]:
    """Return the files of a folder that one writer made, as Spark does; its own notes are left out."""
    paths = [str(path) for path in system.ls(folder, detail=False)]
    if any(PurePosixPath(path).name == "_temporary" for path in paths):
        raise StillWritten("its writer is still at work: there is a folder _temporary in it")
    return [path for path in paths if not PurePosixPath(path).name.startswith(("_", "."))]


def _named(system: fsspec.AbstractFileSystem, paths: Sequence[str]) -> list[tuple[fsspec.AbstractFileSystem, str, str]]:
    if not paths:
        raise FileNotFoundError("no file has such a name")
    local = isinstance(system, LocalFileSystem)
    return [(system, one, one if local else system.unstrip_protocol(one)) for one in sorted(paths)]


def _suffix(location: str, paths: Sequence[str]) -> str:
    """Return the suffix that all files have.

    Raises:
        InvalidInput: it names no known format, or they have several.
    """
    found = {next((suffix for suffix in SUFFIXES if path.lower().endswith(suffix)), "") for path in paths}
    if found == {""} or not found:
        raise InvalidInput(
            f"The source file {public(location)} has no format known here. Deliver one of {', '.join(SUFFIXES)}."
        )
    if len(found) > 1:
        raise InvalidInput(
            f"The files of {public(location)} have several formats: {', '.join(sorted(found))}. Deliver the files of "
            f"one table in one format, with nothing else beside them."
        )
    return found.pop()


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
