"""What the journal keeps: each publication, hold, release and garbage collection, who did it and when."""

from __future__ import annotations

from typing import ClassVar, Literal, cast, get_args

from pydantic import AwareDatetime

from pipeline.records.format import Written, entry_of
from pipeline.records.part import GraphName, Sha256


class TagPublished(Written):
    """A snapshot or a split was published under a tag, in the same push as this entry.

    `description_sha256` is the digest of the description at the tag, by which a move of the tag is seen; entries of
    before format 3 have none.
    """

    FORMAT: ClassVar[int] = 3  # 2, and description_sha256

    kind: Literal["published"] = "published"
    graph: GraphName
    tag: str
    at: AwareDatetime
    who: str
    description_sha256: Sha256 | None = None


class Hold(Written):
    """A tag is held: no collection takes its bytes until it is released."""

    kind: Literal["hold"] = "hold"
    tag: str
    at: AwareDatetime
    who: str
    reason: str


class Release(Written):
    """A tag is held no longer."""

    kind: Literal["release"] = "release"
    tag: str
    at: AwareDatetime
    who: str
    reason: str


class GcStarted(Written):
    """A collection is about to read what it must keep; it deletes nothing after `until`."""

    kind: Literal["gc started"] = "gc started"
    id: str
    until: AwareDatetime
    at: AwareDatetime
    who: str
    reason: str


class Collected(Written):
    """The bytes of these tags are about to go; the tags themselves stay."""

    kind: Literal["collected"] = "collected"
    id: str
    tags: tuple[str, ...]
    policy: str
    at: AwareDatetime
    who: str
    reason: str


class GcEnded(Written):
    """A collection is over, with what it deleted."""

    kind: Literal["gc ended"] = "gc ended"
    id: str
    objects: int
    bytes: int
    outcome: str
    at: AwareDatetime
    who: str


class BytesRestored(Written):
    """The bytes of a collected tag were published again, the very same ones."""

    kind: Literal["restored"] = "restored"
    tag: str
    at: AwareDatetime
    who: str


HoldEntry = Hold | Release
GcEntry = GcStarted | Collected | GcEnded | BytesRestored
Entry = TagPublished | HoldEntry | GcEntry
KINDS: dict[str, type[Written]] = {kind.model_fields["kind"].default: kind for kind in get_args(Entry)}


def read_entry(line: str, what: str) -> Entry:
    """Read one line of the journal, whichever version wrote it; see `entry_of` for what it raises."""
    return cast(Entry, entry_of(line, KINDS, what))


def file_of(entry: Entry) -> str:
    """Return the journal's file that an entry is a line of."""
    if isinstance(entry, TagPublished):
        return publications_of(entry.graph)
    return "holds.jsonl" if isinstance(entry, Hold | Release) else "gc.jsonl"


def publications_of(graph: str) -> str:
    """Return the journal's file of a graph's publications."""
    return f"published/{graph}.jsonl"


def subject_of(entry: Entry) -> str:
    """Return the subject of the commit that appends an entry."""
    match entry:
        case GcStarted():
            return f"gc {entry.id} started: {entry.reason}"
        case Collected():
            return f"gc {entry.id}: {len(entry.tags)} tags collected"
        case GcEnded():
            return f"gc {entry.id} ended: {entry.objects} objects, {entry.bytes} bytes, {entry.outcome}"
        case Hold() | Release():
            return f"{entry.kind} {entry.tag}: {entry.reason}"
        case _:
            return f"{entry.kind} {entry.tag}"
