"""Who is the shadow, since when, and on which evidence: a pure function of the ledger's entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.ledger.entries import (
    AliasEntry,
    AliasEvent,
    AliasObserved,
    ApprovalEntry,
    Entry,
    GraphRefreshed,
    NightEntry,
    ShadowEvidence,
)
from pipeline.records.shadow import ShadowState

YEAR = 365  # nights over which alpha holds


@dataclass(frozen=True)
class Place:
    """The shadow's place as a night finds it: who has it, and what the rule needs to know of those before.

    `nights`: of the tenure of the one that has it, the night included. `nights_since_the_last_began`: whether or not it
    still stands; None where there never was one.
    """

    shadow: ShadowEvidence | None
    nights: int
    nights_since_the_last_began: int | None
    last_was_promoted: bool
    early_in_the_last_year: int


def place_of(entries: Sequence[Entry], run_name: str = "") -> Place:
    """Return the place as a run finds it, or as the next night will; what the run itself has entered does not count.

    A night is counted once, whatever it has entered. The evidence is about two models: when the champion's weights
    change, by whomever, the shadow goes, and when they are served on another graph it stays.
    """
    fold = _Fold()
    for entry in entries:
        if isinstance(entry, ShadowEvidence) and entry.run_name == run_name:
            break  # the run's own, and what came of it
        fold.follow(entry)
    return fold.place(run_name)


def standing_shadow(entries: Sequence[Entry]) -> ShadowEvidence | None:
    """Return the newest evidence of the shadow that has the place now; None where nobody has it."""
    return place_of(entries).shadow


def entering(
    entries: Sequence[Entry], new: Sequence[ShadowEvidence], before: ShadowState | None
) -> tuple[ShadowEvidence, ...]:
    """Return what a night enters of its shadows: all of it once, whatever the night is cleared or retried.

    `before` is the shadow as the night's evaluation found it. Where the ledger has another by now (the champion
    changed, or another night came between), what the night made of it is of nobody, and nothing is entered.
    """
    entered = {entry.run_name for entry in entries if isinstance(entry, ShadowEvidence)}
    now = standing_shadow(entries)
    if before != (now.shadow if now is not None else None):
        return ()
    return tuple(entry for entry in new if entry.run_name not in entered)


@dataclass
class _Fold:
    """The walk through the entries: how many nights there were, and the shadow so far."""

    shadow: ShadowEvidence | None = None
    champion: int | None = None
    last: ShadowEvidence | None = None  # the newest entry of the one that began last
    began: int = 0  # the number of the night on which it did
    promoted: bool = False
    early: list[int] = field(default_factory=list)  # the numbers of the nights on which one took the place early
    numbers: dict[str, int] = field(default_factory=dict)  # of each night, by its run name
    weights: dict[int, int] = field(default_factory=dict)  # of each version that is a refresh

    def follow(self, entry: Entry) -> None:
        match entry:
            case ShadowEvidence():
                self._evidence(entry)
            case NightEntry() if entry.completed:
                self._number(entry.run_name)
                if entry.outcome == "promoted" and self._was_last(entry.run_name):
                    self.shadow, self.promoted = None, True
            case ApprovalEntry() if entry.verdict == "rejected" and self._proposed(entry.run_name):
                self.shadow = None
            case AliasEntry() | AliasObserved() | GraphRefreshed():
                self._moved(entry)

    def _moved(self, entry: AliasEvent) -> None:
        if entry.version is not None and entry.weights_of is not None:
            self.weights.setdefault(entry.version, entry.weights_of)
        if entry.alias != "champion":
            return
        self.champion = None if entry.version is None else self.weights.get(entry.version, entry.version)
        if self.shadow is not None and self.champion != self.shadow.champion:
            self.shadow = None

    def _evidence(self, entry: ShadowEvidence) -> None:
        number, state = self._number(entry.run_name), entry.shadow
        if state.begins is not None:
            self.began, self.promoted = number, False
            if state.begins == "early":
                self.early.append(number)
        elif self.shadow is None or self.shadow.shadow.run_name != state.run_name:
            return  # it is gone since
        self.last = entry
        # The champion may have changed while the night ran.
        self.shadow = None if state.gone or entry.champion != self.champion else entry

    def _proposed(self, run_name: str) -> bool:
        """Return whether a person who is asked about a run is asked about the shadow."""
        if self.shadow is None:
            return False
        asked = self.shadow.run_name if self.shadow.shadow.standing == "better" else None
        return run_name in (self.shadow.shadow.run_name, asked)

    def _was_last(self, run_name: str) -> bool:
        """Return whether a run's model began last, and nothing but a promotion ended it."""
        return self.last is not None and self.last.shadow.run_name == run_name and not self.last.shadow.gone

    def _number(self, run_name: str) -> int:
        return self.numbers.setdefault(run_name, len(self.numbers) + 1)

    def place(self, run_name: str) -> Place:
        tonight = self.numbers.get(run_name, len(self.numbers) + 1)
        since = None if self.last is None else tonight - self.began
        return Place(
            shadow=self.shadow,
            nights=0 if since is None or self.shadow is None else since + 1,
            nights_since_the_last_began=since,
            last_was_promoted=self.promoted,
            early_in_the_last_year=sum(tonight - number < YEAR for number in self.early),
        )
