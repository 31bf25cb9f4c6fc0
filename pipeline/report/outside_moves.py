"""Aliases that somebody changed in MLflow without the ledger: what changed, and what you can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.ledger.entries import AliasEvent, AliasObserved, Entry, NightEntry
from pipeline.ledger.served_weights import weights_of


@dataclass(frozen=True)
class OutsideMove:
    """A change without the ledger that a night found: what changed, the advice, and the command to undo it, if any."""

    found: str
    advice: str
    command: str = ""


def outside_moves(entries: Sequence[Entry], run_name: str) -> tuple[OutsideMove, ...]:
    """Return the changes that a night found itself, and those found since the night before it ended.

    Only the ledger as it was when the night ended counts. So the page is the same whenever it is made.
    """
    ends = [place for place, entry in enumerate(entries) if _is_night_of(entry, run_name)]
    return tuple(
        _told(
            entry, weights_of(entries, entry.previous), _since(entries[place + 1 : ends[-1]], entry) if ends else None
        )
        for place, entry in enumerate(entries)
        if isinstance(entry, AliasObserved) and run_name == _night_of(place, entry, entries)
    )


def _is_night_of(entry: Entry, run_name: str) -> bool:
    return isinstance(entry, NightEntry) and entry.run_name == run_name


def _night_of(place: int, entry: AliasObserved, entries: Sequence[Entry]) -> str | None:
    """Return the night that a move belongs to: whose run found it, else the next that ended after it was found."""
    if entry.who.startswith("run "):
        return entry.who.removeprefix("run ")
    return next((item.run_name for item in entries[place:] if isinstance(item, NightEntry)), None)


def _since(later: Sequence[Entry], entry: AliasObserved) -> AliasEvent | None:
    moved = [item for item in later if isinstance(item, AliasEvent) and item.alias == entry.alias]
    return moved[-1] if moved else None


def _told(entry: AliasObserved, weights: int | None, since: AliasEvent | None) -> OutsideMove:
    found = (
        f"{entry.alias} of {entry.graph} went from {_version(entry.previous)} to {_version(entry.version)}. Found by "
        f"{entry.who} on {entry.at:%Y-%m-%d %H:%M} UTC. The ledger does not know who did it; MLflow's own log may."
    )
    if since is not None:
        return OutsideMove(found, f"It was set to {_version(since.version)} afterwards: you need not do anything.")
    if entry.alias != "champion":
        return OutsideMove(found, "It does not change what is served, and the next promotion sets it again.")
    serves = "No version is served now" if entry.version is None else f"Version {entry.version} is served now"
    if weights is None:
        return OutsideMove(
            found, f"{serves}. If that is wrong, remove the alias in MLflow; the next run enters that too."
        )
    command = f"ncnc rollback --graph {entry.graph} --to {weights} --reason ..."
    return OutsideMove(
        found, f"{serves}. If that is right, you need not do anything. If it is wrong, roll back:", command
    )


def _version(version: int | None) -> str:
    return "nothing" if version is None else f"version {version}"
