"""The ledger told as a story: one line an event, the moves of one promotion told together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.approvals import NOBODY
from pipeline.ledger_entries import AliasObserved, ApprovalEntry, Entry, RegistryCollected
from pipeline.records import AliasEntry, NightEntry


@dataclass(frozen=True)
class Event:
    """One event: when it was entered, what kind it is, what happened, by whom, and why."""

    at: datetime
    kind: str
    what: str
    who: str
    why: str
    champion: int | None  # who is champion after it


def story(entries: Sequence[Entry]) -> tuple[Event, ...]:
    """Return the events of a graph, oldest first."""
    events: list[Event] = []
    champion: int | None = None
    for position, entry in enumerate(entries):
        if isinstance(entry, AliasEntry | AliasObserved) and entry.alias == "champion":
            champion = entry.version
        event = _event(entry, entries[:position], champion)
        if event is not None:
            events.append(event)
    return tuple(events)


def _event(entry: Entry, before: Sequence[Entry], champion: int | None) -> Event | None:
    match entry:
        case NightEntry():
            return Event(entry.at, entry.outcome, _night(entry), f"run {entry.run_name}", entry.reason, champion)
        case AliasEntry():
            if entry.alias != "champion":  # told with the champion's move
                return None
            return Event(entry.at, *_move(entry, before), entry.who, entry.why, champion)
        case AliasObserved():
            what = (
                f"{entry.alias} was moved OUTSIDE, from {_version(entry.previous)} to {_version(entry.version)}; "
                f"the ledger follows what serves"
            )
            return Event(entry.at, "moved outside", what, "unknown", f"seen by {entry.who}", champion)
        case ApprovalEntry():
            return Event(entry.at, entry.verdict, _answer(entry), entry.who, entry.reason, champion)
        case RegistryCollected():
            return Event(
                entry.at, "collected", _collected(entry), entry.who, f"{entry.reason} ({entry.policy})", champion
            )


def _night(entry: NightEntry) -> str:
    told = f"night of {entry.as_of:%Y-%m-%d %H:%M}: {entry.outcome}"
    return f"{told}, version {entry.version}" if entry.version is not None else told


def _move(entry: AliasEntry, before: Sequence[Entry]) -> tuple[str, str]:
    """Return the kind of a champion's move, and the move in words."""
    was = {old.version for old in before if isinstance(old, AliasEntry | AliasObserved) and old.alias == "champion"}
    if entry.version is None:
        return "taken away", f"{_version(entry.previous)} is no longer champion; there is none"
    if entry.version in was:
        return "rollback", f"back to version {entry.version}, from {_version(entry.previous)}"
    if entry.previous is None:
        return "promotion", f"version {entry.version} becomes the first champion"
    return "promotion", f"version {entry.version} becomes champion in place of version {entry.previous}"


def _answer(entry: ApprovalEntry) -> str:
    if entry.overridden:
        return f"OVERRIDE: run {entry.run_name} approved against: {entry.overridden}"
    if entry.who == NOBODY:
        return f"nobody answered about run {entry.run_name} in time: {entry.verdict}"
    return f"run {entry.run_name} {entry.verdict}"


def _collected(entry: RegistryCollected) -> str:
    versions = f" ({', '.join(map(str, entry.versions))})" if entry.versions else ""
    return (
        f"{len(entry.versions)} versions{versions}, {len(entry.checkpoints)} checkpoints and "
        f"{len(entry.run_folders)} run folders deleted"
    )


def _version(version: int | None) -> str:
    return "nothing" if version is None else f"version {version}"
