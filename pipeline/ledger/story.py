"""The ledger as a list of events for a person: what belongs to one promotion or one answer is one event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.ledger.approvals import AWAITS, NOBODY, last_night
from pipeline.ledger.entries import (
    AliasEntry,
    AliasEvent,
    AliasObserved,
    AnchorEntry,
    ApprovalEntry,
    Entry,
    GraphRefreshed,
    NightEntry,
    PromotionsResumed,
    PromotionsStopped,
    RefreshRefused,
    RegistryBound,
    RegistryCollected,
    ShadowEvidence,
)
from pipeline.ledger.promotion_stops import stop_in_words
from pipeline.records.names import graph_of_tag
from pipeline.records.shadow import BECAME


@dataclass(frozen=True)
class Event:
    """One event: when it was entered, what kind it is, what happened, by whom, and why; `night` is the run it ends."""

    at: datetime
    kind: str
    what: str
    who: str
    why: str
    champion: int | None  # who is champion after it
    night: str = ""  # the name of the run whose night it tells of; empty where it is about no night


def story(entries: Sequence[Entry]) -> tuple[Event, ...]:
    """Return the events of a graph, oldest first.

    A night that ended promoted or rejected is told with the move or the answer that made it so.
    """
    events: list[Event] = []
    champion: int | None = None
    for position, entry in enumerate(entries):
        if isinstance(entry, AliasEvent) and entry.alias == "champion":
            champion = entry.version
        event = _event(entry, entries[:position], entries[position + 1 :], champion)
        if event is not None:
            events.append(event)
    return tuple(events)


def _event(entry: Entry, before: Sequence[Entry], after: Sequence[Entry], champion: int | None) -> Event | None:
    match entry:
        case NightEntry():
            if any(_ended_by(told, entry) for told in before):
                return None
            who = f"run {entry.run_name}"
            return Event(entry.at, entry.outcome, _night(entry), who, entry.reason, champion, entry.run_name)
        case AliasEntry():
            return _moved(entry, before, after, champion)
        case GraphRefreshed() | RefreshRefused():
            return _refresh(entry, champion)
        case ShadowEvidence():
            return _shadow(entry, champion)
        case AliasObserved():
            what = (
                f"{entry.alias} was moved OUTSIDE, from {_version(entry.previous)} to {_version(entry.version)}; "
                f"the ledger follows what serves"
            )
            return Event(entry.at, "moved outside", what, "unknown", f"seen by {entry.who}", champion)
        case ApprovalEntry():
            ended, night = last_night(after, entry.run_name), last_night((*before, *after), entry.run_name)
            if entry.verdict == "approved" and not entry.overridden and ended and ended.outcome == "promoted":
                return None  # told with the promotion
            run = f"run {entry.run_name}" if night is None else _of(night)
            what = _answer(entry, run)
            return Event(entry.at, entry.verdict, what, entry.who, entry.reason, champion, entry.run_name)
        case _:
            return _order(entry, champion)


def _refresh(entry: GraphRefreshed | RefreshRefused, champion: int | None) -> Event:
    graph = f"the graph of {graph_of_tag(entry.snapshot_tag)}"
    if isinstance(entry, RefreshRefused):
        what = f"{graph} was not served: version {entry.version} stays"
        return Event(entry.at, "refresh refused", what, entry.who, entry.why, champion)
    what = f"version {entry.version} serves {graph} with the weights of version {entry.weights_of}"
    return Event(entry.at, "refreshed", what, entry.who, entry.why, champion)


def _shadow(entry: ShadowEvidence, champion: int | None) -> Event | None:
    """Return the event of a shadow that came, or that goes by what the night showed; one that stays is none."""
    state = entry.shadow
    if state.begins is None and state.standing == "stays":
        return None
    model = f"the model of the night of {state.as_of:%Y-%m-%d %H:%M}"
    came = f"{model} becomes the shadow, beside champion version {entry.champion}" if state.begins else ""
    became = "" if state.standing == "stays" else f"the shadow {BECAME[state.standing]}"
    what = "; ".join(part for part in (came, became) if part)
    return Event(entry.at, "shadow", what, f"run {entry.run_name}", state.in_words(), champion)


def _order(
    entry: AnchorEntry | RegistryCollected | RegistryBound | PromotionsStopped | PromotionsResumed, champion: int | None
) -> Event | None:
    """Return the event of what a person ordered beside promotions and rollbacks."""
    match entry:
        case AnchorEntry():
            what = (
                f"version {entry.version} anchored at lineage {entry.lineage_sha256[:12]}, as MLflow had it then; "
                f"{entry.checks} checks agreed"
            )
            return Event(entry.at, "anchored", what, entry.who, entry.reason, champion)
        case RegistryCollected():
            why = f"{entry.reason} ({entry.policy})"
            return Event(entry.at, "collected", _collected(entry), entry.who, why, champion)
        case RegistryBound():
            if not entry.why:  # the two agreed, and nobody was asked
                return None
            return Event(entry.at, "adopted", _adopted(entry), entry.who, entry.why, champion)
        case PromotionsStopped():
            kind = "paused" if entry.version is None else "pinned"
            return Event(entry.at, kind, stop_in_words(entry), entry.who, entry.why, champion)
        case PromotionsResumed():
            return Event(entry.at, "resumed", "promotions go on", entry.who, entry.why, champion)


def _moved(entry: AliasEntry, before: Sequence[Entry], after: Sequence[Entry], champion: int | None) -> Event | None:
    if entry.alias != "champion":  # told with the champion's move
        return None
    kind, move = _move(entry, before)
    night = next((item for item in after if isinstance(item, NightEntry) and _ended_by(entry, item)), None)
    if night is None:
        return Event(entry.at, kind, move, entry.who, entry.why, champion)
    why = _untold(entry.why, night, before)
    return Event(entry.at, kind, f"{_of(night)}: {move}", entry.who, why, champion, night.run_name)


def _ended_by(entry: Entry, night: NightEntry) -> bool:
    """Return whether an entry is the promotion or the rejection that a night ended with."""
    if isinstance(entry, ApprovalEntry):
        return night.outcome == "rejected" and (entry.verdict, entry.run_name) == ("rejected", night.run_name)
    return (
        isinstance(entry, AliasEntry)
        and (entry.alias, entry.version, entry.why) == ("champion", night.version, night.reason)
        and night.outcome == "promoted"
    )


def _of(night: NightEntry) -> str:
    return f"night of {night.as_of:%Y-%m-%d %H:%M}"


def _night(entry: NightEntry) -> str:
    told = f"{_of(entry)}: {entry.outcome}"
    return f"{told}, version {entry.version}" if entry.version is not None else told


def _untold(why: str, night: NightEntry, before: Sequence[Entry]) -> str:
    """Return the reason of a promotion without the part that its night showed while it awaited a person."""
    awaiting = last_night(before, night.run_name)
    return why if awaiting is None else why.removeprefix(f"{awaiting.reason.removeprefix(AWAITS)}; ")


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


def _answer(entry: ApprovalEntry, run: str) -> str:
    if entry.overridden:
        return f"OVERRIDE: {run} approved against: {entry.overridden}"
    if entry.who == NOBODY:
        return f"{run}: nobody answered in time, {entry.verdict}"
    return f"{run}: {entry.verdict}"


def _collected(entry: RegistryCollected) -> str:
    versions = f" ({', '.join(map(str, entry.versions))})" if entry.versions else ""
    return (
        f"{len(entry.versions)} versions{versions}, {len(entry.models)} trained models, "
        f"{len(entry.checkpoints)} checkpoints and {len(entry.run_folders)} run folders deleted"
    )


def _adopted(entry: RegistryBound) -> str:
    lost = f"; lost: version {', '.join(map(str, entry.lost))}" if entry.lost else ""
    return f"the ledger follows the registry at {entry.where} as it is{lost}"


def _version(version: int | None) -> str:
    return "nothing" if version is None else f"version {version}"
