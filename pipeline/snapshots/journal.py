"""The journal of what was published, held, retracted and collected: a branch of the data repository.

It also keeps publishers and garbage collections apart. A publication is one atomic push of its tag and its entry, so
the push is refused if the journal has moved since it was read. The publisher then reads the new entries, and sees
whether a collection began.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from pipeline.errors import TamperedRecord
from pipeline.origin.git import GitClone, GitOrigin, attempts
from pipeline.origin.shared_clone import shared_clone
from pipeline.records.format import Damaged
from pipeline.snapshots.journal_entries import (
    BytesRestored,
    Collected,
    Entry,
    GcEnded,
    GcEntry,
    GcGivenUp,
    GcStarted,
    Hold,
    HoldEntry,
    Release,
    Retracted,
    TagPublished,
    file_of,
    publications_of,
    read_entry,
    subject_of,
)

BRANCH = "journal"
FETCHED = f"refs/remotes/origin/{BRANCH}"

# A pattern, so that a repository without a journal is fetched without an error.
REFSPEC = f"+refs/heads/{BRANCH}*:{FETCHED}*"
E = TypeVar("E", bound=Entry)


@dataclass(frozen=True)
class Journal:
    """The entries on holds, retractions and collections, as of one commit."""

    collections: tuple[GcEntry, ...] = ()
    hold_entries: tuple[HoldEntry, ...] = ()
    retractions: tuple[Retracted, ...] = ()

    @classmethod
    def of(cls, clone: GitClone) -> Journal:
        """Return the journal as it was last fetched into a clone; an empty one if the origin has none."""
        texts = clone.contents([f"{FETCHED}:gc.jsonl", f"{FETCHED}:holds.jsonl"])
        collections, holds = (_entries(name.partition(":")[2], text or "") for name, text in texts.items())
        return cls(
            tuple(entry for entry in collections if isinstance(entry, GcEntry)),
            tuple(entry for entry in holds if isinstance(entry, HoldEntry)),
            tuple(entry for entry in holds if isinstance(entry, Retracted)),
        )

    @property
    def collected(self) -> dict[str, Collected]:
        """The tags whose bytes are gone, each with the entry that says so."""
        found: dict[str, Collected] = {}
        for entry in self.collections:
            if isinstance(entry, Collected):
                found |= dict.fromkeys(entry.tags, entry)
            elif isinstance(entry, BytesRestored):
                found.pop(entry.tag, None)
        return found

    @property
    def restored(self) -> dict[str, datetime]:
        """When the bytes of a tag were last published again, by tag."""
        return {entry.tag: entry.at for entry in self.collections if isinstance(entry, BytesRestored)}

    @property
    def holds(self) -> dict[str, Hold]:
        """The tags that are held, each with its latest hold."""
        found: dict[str, Hold] = {}
        for entry in self.hold_entries:
            if isinstance(entry, Release):
                found.pop(entry.tag, None)
            else:
                found[entry.tag] = entry
        return found

    @property
    def retracted(self) -> dict[str, Retracted]:
        """The snapshots that no night is built on any more, by tag."""
        return {entry.tag: entry for entry in self.retractions}

    @property
    def running(self) -> tuple[GcStarted, ...]:
        """The collections that may be deleting now: they have no end in the journal, and were not given up."""
        over = {entry.id for entry in self.collections if isinstance(entry, GcEnded | GcGivenUp)}
        return tuple(entry for entry in self.collections if isinstance(entry, GcStarted) and entry.id not in over)


def fetched_journal(origin: GitOrigin) -> Journal:
    """Return the journal as it stands on the origin now."""
    with shared_clone(origin) as clone:
        clone.fetch_matching(REFSPEC)
        return Journal.of(clone)


def published_digest(clone: GitClone, tag: str) -> str | None:
    """Return the digest of the description that a tag was published with; None where the journal does not say.

    The first entry counts: what is published does not change, and a second entry would be somebody else's.
    """
    name = publications_of(tag.split("/")[1])
    text = clone.contents([f"{FETCHED}:{name}"])[f"{FETCHED}:{name}"] or ""
    found = (entry for entry in _entries(name, text) if isinstance(entry, TagPublished) and entry.tag == tag)
    first = next(found, None)
    return first.description_sha256 if first else None


def stage(clone: GitClone, entry: Entry) -> str:
    """Commit an entry on top of the journal as it was fetched, and return the refspec that pushes it.

    It needs no checkout, so one push can hold this commit and one of another branch.
    """
    path = file_of(entry)
    before = clone.contents([f"{FETCHED}:{path}"])[f"{FETCHED}:{path}"] or ""
    onto = f"{FETCHED}^0" if clone.local_refs(FETCHED) else None
    commit = clone.commit_files(subject_of(entry), {path: f"{before}{entry.as_written()}\n"}, onto=onto)
    return f"{commit}:refs/heads/{BRANCH}"


def append(origin: GitOrigin, entry_for: Callable[[Journal], E | None]) -> E | None:
    """Append an entry; it is made from the journal as fetched, and made again if the journal moved. None adds nothing.

    Raises:
        OutsideTrouble: the origin cannot be reached.
    """
    with shared_clone(origin) as clone:
        for _ in attempts():
            clone.fetch_matching(REFSPEC)
            entry = entry_for(Journal.of(clone))
            if entry is None or clone.push(stage(clone, entry)):
                return entry
    raise AssertionError  # unreachable: attempts() ends by raising


def _entries(name: str, text: str) -> tuple[Entry, ...]:
    entries = []
    for number, line in enumerate(text.rstrip("\n").split("\n") if text else (), start=1):
        try:
            entries.append(read_entry(line, f"Line {number} of the journal's {name}"))
        except Damaged as error:
            raise TamperedRecord(
                f"Line {number} of the journal's {name} is no entry: {error}. It was changed by "
                f"hand; `git log {BRANCH} -- {name}` in the data repository shows by whom. On the git server, set the "
                f"branch back to the commit before that one: git update-ref refs/heads/{BRANCH} COMMIT."
            ) from error
    return tuple(entries)
