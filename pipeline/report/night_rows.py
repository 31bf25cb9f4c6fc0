"""The rows of the index: each night once, and between the nights what else changed what is served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.ledger.entries import Entry, NightEntry
from pipeline.ledger.night import last_nights
from pipeline.ledger.served_weights import refreshes
from pipeline.ledger.story import Event, story
from pipeline.report.kept_figures import NightFigures

NOT_SHOWN = ("anchored", "collected", "adopted")  # they change nothing that is served; `ncnc registry history` has them


@dataclass(frozen=True)
class NightRow:
    """One row: a night, or an event between two nights, whose `night` is None.

    `kind` is the night's outcome or the kind of event, in one word; a kind that no list here knows is a row as well.
    `champion` is who serves after it, and `trained_on` the as-of of its weights: None where no night is known.
    """

    kind: str
    when: datetime
    why: str
    champion: int | None
    trained_on: datetime | None
    night: NightEntry | None = None
    figures: NightFigures | None = None

    @property
    def age_days(self) -> int | None:
        """How old the champion's weights are; None between nights, whose clock need not be that of the graph."""
        if self.night is None or self.trained_on is None or self.trained_on > self.night.as_of:
            return None
        return (self.night.as_of - self.trained_on).days


def night_rows(entries: Sequence[Entry], figures: Mapping[str, NightFigures]) -> tuple[NightRow, ...]:
    """Return the rows in the order of the ledger, oldest first; a night stands where it was last told of."""
    trained, nights = trained_on(entries), last_nights(entries)
    events = story(entries)
    last = {event.night: place for place, event in enumerate(events) if event.night}
    rows = []
    for place, event in enumerate(events):
        date = trained.get(event.champion) if event.champion is not None else None
        if not event.night:
            if event.kind not in NOT_SHOWN:
                rows.append(NightRow(event.kind, event.at, _told(event), event.champion, date))
        elif last[event.night] == place and event.night in nights:
            night = nights[event.night]
            found = figures.get(event.night)
            rows.append(NightRow(night.outcome, night.as_of, night.reason, event.champion, date, night, found))
    return tuple(rows)


def trained_on(entries: Sequence[Entry]) -> dict[int, datetime]:
    """Return the as-of of the night that trained the weights of each version."""
    nights = [entry for entry in entries if isinstance(entry, NightEntry)]
    trained = {night.version: night.as_of for night in nights if night.version is not None}
    of = {version: trained.get(made.weights_of) for version, made in refreshes(entries).items()}
    return trained | {version: as_of for version, as_of in of.items() if as_of is not None}


def _told(event: Event) -> str:
    """Return an event in a sentence, with who and why."""
    return f"{event.what[0].upper()}{event.what[1:]} ({event.who}): {event.why}"
