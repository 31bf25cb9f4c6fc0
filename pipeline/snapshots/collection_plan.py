"""The plan of a garbage collection: what it would delete, from the refs, journal, registry and remote listing."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipeline.clock import earliest_present
from pipeline.errors import InvalidInput
from pipeline.origin.git import GitClone
from pipeline.records.names import STAMP_FORMAT, stamp
from pipeline.snapshots.description import description_of, parse_description
from pipeline.snapshots.journal import Journal
from pipeline.snapshots.published import PublishedSnapshot
from pipeline.snapshots.remote_objects import FILE_LIST, RemoteObjects, StoredObject
from pipeline.snapshots.retention import Policy, Tagged, reasons_to_keep

OUR_TAG = re.compile(r"(snap|split)/[a-z0-9_-]+/\d{8}T\d{6}Z/[0-9a-f]{12}")
MD5 = re.compile(r"\bmd5: ([0-9a-f]{32}(?:\.dir)?)\b")
EVERYTHING = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")

# Given graphs: which tags their models refer to, and how. It raises an error if that cannot be known for sure.
References = Callable[[frozenset[str]], Mapping[str, str]]

# Called with what is being done, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Plan:
    """What would be deleted and what stays; at: the time that ages are counted back from.

    collected: the tags whose bytes would be deleted. kept: the reasons, by tag. objects: what would be deleted. stays:
    the names of objects on the remote that something refers to. missing: how many files the remote lacks already, by
    kept tag.
    """

    at: datetime
    policy: Policy
    collected: tuple[str, ...]
    kept: Mapping[str, tuple[str, ...]]
    objects: tuple[StoredObject, ...]
    stays: frozenset[str]
    missing: Mapping[str, int]

    @property
    def bytes(self) -> int:
        """The bytes that would be freed."""
        return sum(item.size for item in self.objects)

    @property
    def id(self) -> str:
        """The plan's name: the time that ages are computed at, and a digest of what would be deleted."""
        content = json.dumps([str(self.policy), self.collected, [item.path for item in self.objects]])
        return f"{stamp(self.at)}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"


def time_of(plan_id: str) -> datetime:
    """Return the time that a plan computes ages at.

    Raises:
        InvalidInput: this is not the name of a plan.
    """
    try:
        return datetime.strptime(plan_id.partition("-")[0], STAMP_FORMAT).replace(tzinfo=UTC)
    except ValueError as error:
        raise InvalidInput(
            f"{plan_id!r} is no plan. `ncnc snapshots gc --dry-run` prints one, like 20260101T000000Z-0123456789ab."
        ) from error


def make_plan(
    clone: GitClone,
    remote: RemoteObjects,
    policy: Policy,
    references: References,
    *,
    at: datetime,
    progress: Progress,
) -> Plan:
    """Return the plan for the refs and the journal that a clone has fetched; at: the time by this machine's clock.

    Ages are counted back from `at`, the newest publication or the newest object, whichever is the earliest.

    Raises:
        InvalidInput: the remote lacks the file list of something that is kept, so that its files cannot be known.
        TamperedRecord: a description or a file list was changed.
    """
    journal = Journal.of(clone)
    tagged = list(_tagged(clone, journal))
    stored = _listed(remote, progress)
    at = _present(at, tagged, stored)
    holds = {tag: f"held by {hold.who}: {hold.reason}" for tag, hold in journal.holds.items()}
    referred_tags = references(frozenset(item.night[0] for item in tagged))
    kept = reasons_to_keep(tagged, policy, at=at, references=referred_tags, holds=holds)
    names = {item.name for item in stored}
    _expect_lists(lists := {item.tag: item.dvc_md5 for item in tagged if kept.get(item.tag)}, names)
    young = {item.name for item in stored if item.modified > at - timedelta(hours=policy.grace_hours)}
    referred = {*lists.values(), *_referred_elsewhere(clone)}
    # A young list without a tag belongs to a publication under way. Its files may be old ones that it found here.
    files = _files_of_lists(remote, (referred | young) & names, progress)
    kept_names = referred.union(*(named.values() for named in files.values()))
    return Plan(
        at=at,
        policy=policy,
        collected=tuple(sorted(tag for tag, reasons in kept.items() if not reasons)),
        kept={tag: reasons for tag, reasons in sorted(kept.items()) if reasons},
        objects=tuple(item for item in stored if item.name not in kept_names and item.name not in young),
        stays=frozenset(names & kept_names),
        missing={tag: lost for tag, md5 in lists.items() if (lost := len(set(files[md5].values()) - names))},
    )


def _listed(remote: RemoteObjects, progress: Progress) -> tuple[StoredObject, ...]:
    progress("listing the remote", 0, 1)
    stored = remote.stored()
    progress("listing the remote", 1, 1)
    return stored


def _present(at: datetime, tagged: Iterable[Tagged], stored: Iterable[StoredObject]) -> datetime:
    """Return the time that ages are counted back from, in whole seconds, as a plan's name holds it."""
    at = earliest_present(at, (item.published_at for item in tagged), (item.modified for item in stored))
    return (at + timedelta(microseconds=999_999)).replace(microsecond=0)


def _files_of_lists(remote: RemoteObjects, names: set[str], progress: Progress) -> dict[str, dict[str, str]]:
    """Return what the file lists among some objects name, by the list."""
    lists = sorted(name for name in names if name.endswith(FILE_LIST))
    return remote.all_files_of(lists, lambda done: progress("reading file lists", done, len(lists)))


def _tagged(clone: GitClone, journal: Journal) -> Iterable[Tagged]:
    lines = clone.git("for-each-ref", "--format=%(refname:strip=2) %(creatordate:unix)", "refs/tags").splitlines()
    collected, retracted, restored = journal.collected, journal.retracted, journal.restored
    times = {tag: int(seconds) for tag, seconds in (line.split() for line in lines) if OUR_TAG.fullmatch(tag)}
    names = {tag: f"refs/tags/{tag}:{description_of(tag)}" for tag in times}
    texts = clone.contents(list(names.values()))
    for tag, seconds in times.items():
        published_at = datetime.fromtimestamp(seconds, UTC)
        described = parse_description(texts[names[tag]] or "", tag)
        previous_tag = described.previous_tag if isinstance(described, PublishedSnapshot) else None
        published_at = max(published_at, restored.get(tag, published_at))
        yield Tagged(tag, published_at, described.dvc_md5, previous_tag, tag in collected, tag in retracted)


def _expect_lists(lists: Mapping[str, str], names: set[str]) -> None:
    lost = sorted(tag for tag, md5 in lists.items() if md5 not in names)
    if lost:
        raise InvalidInput(
            f"The DVC remote lacks the file list {lists[lost[0]]} of {lost[0]}, which is kept. So it is unknown "
            f"which files must stay ({len(lost)} such tags). Nothing was collected: restore that object from backup."
        )


def _referred_elsewhere(clone: GitClone) -> set[str]:
    """Return every object that a branch refers to, or a tag that this pipeline did not make."""
    found: set[str] = set()
    for ref in clone.local_refs("refs/remotes/origin") + clone.local_refs("refs/tags"):
        if OUR_TAG.fullmatch(ref.removeprefix("refs/tags/")):
            continue
        paths = clone.git("ls-tree", "-r", "-z", "--name-only", ref).split("\0")
        pointers = [f"{ref}:{path}" for path in paths if path.endswith((".dvc", "dvc.lock"))]
        for text in clone.contents(pointers).values() if pointers else ():
            found |= set(MD5.findall(text or ""))
    return found
