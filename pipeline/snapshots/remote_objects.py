"""The objects of a DVC remote: the listing, what a file list names, and deletion."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipeline.errors import OutsideTrouble, TamperedRecord

BLOCK_BYTES = 1 << 20
BATCH = 500
READERS = 8
FILE_LIST = ".dir"
OBJECT_NAME = re.compile(r"[0-9a-f]{32}(\.dir)?")

# DVC writes a file under such a name beside its object. One that stays was left by a killed upload.
UNFINISHED_NAME = re.compile(r"\.[\w-]+\.tmp")


@dataclass(frozen=True)
class StoredObject:
    """One object as the remote lists it; name: its digest, or the file's name if an upload was cut off."""

    name: str
    path: str
    size: int
    modified: datetime

    @property
    def unfinished(self) -> bool:
        """Whether it was left by an upload that was cut off."""
        return OBJECT_NAME.fullmatch(self.name) is None


@dataclass(frozen=True)
class RemoteObjects:
    """A remote's object store and the local cache before it; both are DVC's own."""

    store: Any  # Any: dvc ships no types
    cache: Any

    def stored(self) -> tuple[StoredObject, ...]:
        """Return every object and every unfinished upload, sorted by path; other files are left out."""
        root = self.store.path
        found = []
        for path, info in self._entries(root):
            parts = path.removeprefix(root).strip("/").split("/")
            if len(parts) != 2 or len(parts[0]) != 2:
                continue
            name = "".join(parts)
            if UNFINISHED_NAME.fullmatch(parts[1]):
                name = parts[1]
            elif not OBJECT_NAME.fullmatch(name):
                continue
            found.append(StoredObject(name, path, int(info["size"] or 0), _modified(info, path)))
        return tuple(sorted(found, key=lambda item: item.path))

    def files_of(self, md5: str) -> dict[str, str]:
        """Return what a file list names, path to object; it is read from the cache if possible, and its md5 checked."""
        store = self.cache if self.cache.exists(md5) else self.store
        return {item["relpath"]: item["md5"] for item in file_list(store, md5)}

    def all_files_of(self, md5s: Sequence[str], done: Callable[[int], None]) -> dict[str, dict[str, str]]:
        """Return what several file lists name, by the list; calls `done` with the count while it reads."""
        lists = {}
        with ThreadPoolExecutor(READERS) as pool:
            for number, (md5, files) in enumerate(zip(md5s, pool.map(self.files_of, md5s), strict=True), start=1):
                lists[md5] = files
                done(number)
        return lists

    def sizes(self, names: Iterable[str]) -> dict[str, int | None]:
        """Return the size of each named object, None if the remote lacks it."""

        def size(name: str) -> int | None:
            try:
                return int(self.store.fs.size(self.store.oid_to_path(name)))
            except FileNotFoundError:
                return None

        wanted = sorted(set(names))
        with ThreadPoolExecutor(READERS) as pool:
            return dict(zip(wanted, pool.map(size, wanted), strict=True))

    def remove(self, objects: Sequence[StoredObject]) -> None:
        """Delete a batch of objects."""
        self.store.fs.remove([item.path for item in objects])

    def _entries(self, root: str) -> Iterator[tuple[str, dict[str, Any]]]:
        fs = self.store.fs
        if not fs.exists(root):
            return
        if fs.protocol == "local":
            for path in fs.find(root):
                try:
                    yield path, fs.info(path)
                except FileNotFoundError:  # renamed or removed since it was listed
                    continue
            return
        # One request lists a thousand objects with size and time. Asking for each would take a thousand requests.
        fs.fs.invalidate_cache()
        yield from fs.fs.find(root, detail=True).items()


def batches(objects: Iterable[StoredObject]) -> Iterator[tuple[StoredObject, ...]]:
    """Yield what is to be deleted in batches, file lists first.

    If DVC sees a file list on a remote, it takes every file of the list to be there, and sends none of them. So a
    collection that is killed must never leave a list without its files.
    """
    ordered = sorted(objects, key=lambda item: (not item.name.endswith(FILE_LIST), item.path))
    lists = [item for item in ordered if item.name.endswith(FILE_LIST)]
    for part in (lists, ordered[len(lists) :]):
        for start in range(0, len(part), BATCH):
            yield tuple(part[start : start + BATCH])


def file_list(store: Any, md5: str) -> list[dict[str, str]]:  # Any: dvc ships no types
    """Return the list of a tracked folder's files; its md5 is checked, as all other digests depend on it.

    Raises:
        TamperedRecord: its bytes do not have the md5 in its name.
    """
    with store.fs.open(store.oid_to_path(md5), "rb") as stream:
        content: bytes = stream.read()
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5.removesuffix(FILE_LIST):
        raise TamperedRecord(
            f"The file list {md5} at {store.path} does not have the md5 in its name: its bytes were changed. A copy "
            f"on this machine is fetched again by itself; so restore it on the DVC remote from backup."
        )
    listing: list[dict[str, str]] = json.loads(content)
    return listing


def remove_damaged(cache: Any, md5: str) -> int:  # Any: dvc ships no types
    """Remove a folder's objects whose bytes do not have the md5 in their name, its list too; return how many."""
    if not cache.exists(md5):
        return 0
    try:
        names = [item["md5"] for item in file_list(cache, md5)]
    except TamperedRecord:
        cache.fs.remove(cache.oid_to_path(md5))
        return 1
    damaged = [name for name in names if cache.exists(name) and _md5_of(cache, name) != name]
    for name in damaged:
        cache.fs.remove(cache.oid_to_path(name))
    return len(damaged)


def _md5_of(store: Any, name: str) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with store.fs.open(store.oid_to_path(name), "rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def sha256_of_files(store: Any, md5: str) -> dict[str, str]:  # Any: dvc ships no types
    """Return the sha256 of every file that a list names, computed from the bytes in the store."""

    def sha256_of(name: str) -> str:
        digest = hashlib.sha256()
        with store.fs.open(store.oid_to_path(name), "rb") as stream:
            while block := stream.read(BLOCK_BYTES):
                digest.update(block)
        return digest.hexdigest()

    files = file_list(store, md5)
    with ThreadPoolExecutor(READERS) as pool:
        return dict(
            zip((item["relpath"] for item in files), pool.map(sha256_of, (item["md5"] for item in files)), strict=True)
        )


def _modified(info: dict[str, Any], path: str) -> datetime:
    """Return when an object was written; each kind of store has its own key for that."""
    times = (info.get(key) for key in ("LastModified", "last_modified", "updated", "mtime"))
    found = next((time for time in times if time is not None), None)
    if isinstance(found, int | float):
        return datetime.fromtimestamp(found, UTC)
    if isinstance(found, datetime):
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    raise OutsideTrouble(
        f"The DVC remote does not say how old {path} is, so nothing can be collected there. Use a remote that lists "
        f"times: a folder or an S3 store."
    )
