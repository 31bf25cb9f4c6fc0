"""What the page says at its top of an alias that somebody moved past the ledger: what moved, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.ledger.entries import AliasEvent, AliasObserved, Entry, NightEntry


@dataclass(frozen=True)
class OutsideMove:
    """A move past the ledger that a night met: what was found, what to do, and the command for it if there is one."""

    found: str
    advice: str
    command: str = ""


def outside_moves(entries: Sequence[Entry], run_name: str) -> tuple[OutsideMove, ...]:
    """Return the moves that a night met: those it found itself, and those found since the night that ended before it.

    Only what the ledger said when the night ended counts, so that its page is the same whenever it is made.
    """
    ends = [place for place, entry in enumerate(entries) if _is_night_of(entry, run_name)]
    return tuple(
        _told(entry, _since(entries[place + 1 : ends[-1]], entry) if ends else None)
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


def _told(entry: AliasObserved, since: AliasEvent | None) -> OutsideMove:
    found = (
        f"{entry.alias} of {entry.graph} went from {_version(entry.previous)} to {_version(entry.version)}. Found by "
        f"{entry.who} on {entry.at:%Y-%m-%d %H:%M} UTC; who did it, only MLflow's own log can say."
    )
    if since is not None:
        return OutsideMove(found, f"It stands at {_version(since.version)} since: nothing needs to be done.")
    if entry.alias != "champion":
        return OutsideMove(found, "It changes nothing that serves, and the next promotion sets it anew.")
    serves = "Nothing serves now" if entry.version is None else f"Version {entry.version} is what serves now"
    if entry.previous is None:
        return OutsideMove(found, f"{serves}. Not meant? Take the alias away in MLflow; the next run enters that too.")
    command = f"ncnc rollback --graph {entry.graph} --to {entry.previous} --reason ..."
    return OutsideMove(found, f"{serves}. If that is meant, nothing needs to be done; if not, bring it back:", command)


def _version(version: int | None) -> str:
    return "nothing" if version is None else f"version {version}"
