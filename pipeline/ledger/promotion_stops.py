"""Pins and pauses: a person's word that nothing is promoted for a while, as the ledger keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pipeline.errors import InvalidInput
from pipeline.ledger.alias_history import Move
from pipeline.ledger.entries import Entry, PromotionsResumed, PromotionsStopped
from pipeline.ledger.served_weights import champion_weights, weights_of


class PromotionsAreStopped(InvalidInput):
    """Nothing is promoted now: the champion is pinned, or promotions are paused."""

    def __init__(self, stop: PromotionsStopped) -> None:
        end = "resume" if stop.version is None else "unpin"
        super().__init__(
            f"Nothing was promoted: {stop_in_words(stop)}. To end that: ncnc registry {end} --graph {stop.graph} "
            f"--reason ...; then try again."
        )
        self.stop = stop


def standing_stop(entries: Sequence[Entry], at: datetime) -> PromotionsStopped | None:
    """Return the pin or the pause that holds at a time, or None."""
    words = [entry for entry in entries if isinstance(entry, PromotionsStopped | PromotionsResumed)]
    if not words or not isinstance(words[-1], PromotionsStopped):
        return None
    stop = words[-1]
    return stop if stop.until is None or at < stop.until else None


def stop_in_words(stop: PromotionsStopped) -> str:
    """Return who stopped promotions, until when, and why."""
    what = "promotions are paused" if stop.version is None else f"version {stop.version} is pinned as champion"
    until = f" until {stop.until:%Y-%m-%d %H:%M} UTC" if stop.until is not None else ""
    return f"{what} by {stop.who}{until}: {stop.why}"


def expect_promotions(entries: Sequence[Entry], at: datetime, *, rollback: bool = False) -> None:
    """Refuse a promotion while promotions are stopped, and a rollback while the champion is pinned.

    Raises:
        PromotionsAreStopped: they are.
    """
    stop = standing_stop(entries, at)
    if stop is not None and not (rollback and stop.version is None):
        raise PromotionsAreStopped(stop)


def stopping(
    entries: Sequence[Entry], move: Move, *, version: int | None, until: datetime | None
) -> tuple[PromotionsStopped, ...]:
    """Return the entry that pins the champion at a version, or pauses promotions where `version` is None.

    A second one of the same kind takes the place of the first. A pin holds weights: of a refresh, those it carries.

    Raises:
        InvalidInput: the version is not the champion, the time is over already, or the other kind of stop stands.
    """
    if until is not None and until <= move.at:
        raise InvalidInput(f"--until {until:%Y-%m-%d %H:%M} UTC is over already. Name a time to come, or leave it out.")
    stop = standing_stop(entries, move.at)
    if stop is not None and (stop.version is None) != (version is None):
        end = "resume" if stop.version is None else "unpin"
        raise InvalidInput(
            f"For {move.graph}, {stop_in_words(stop)}. End that first: ncnc registry {end} --graph {move.graph} "
            f"--reason ..."
        )
    champion, version = champion_weights(entries), weights_of(entries, version)  # refreshes go on
    if version is not None and version != champion:
        raise InvalidInput(
            f"Version {version} of {move.graph} is not the champion, version {champion} is, and only the champion can "
            f"be pinned. Make it champion first: ncnc rollback --graph {move.graph} --to {version} --reason ..."
        )
    return (PromotionsStopped(graph=move.graph, version=version, until=until, at=move.at, who=move.who, why=move.why),)


def resuming(entries: Sequence[Entry], move: Move, *, pinned: bool) -> tuple[PromotionsResumed, ...]:
    """Return the entry that ends a pin, or a pause.

    Raises:
        InvalidInput: there is none, or it is the other kind.
    """
    stop = standing_stop(entries, move.at)
    if stop is None or (stop.version is not None) != pinned:
        what = "no version is pinned" if pinned else "promotions are not paused"
        also = f"; {stop_in_words(stop)} (ncnc registry {'resume' if pinned else 'unpin'})" if stop else ""
        raise InvalidInput(f"There is nothing to end for {move.graph}: {what}{also}.")
    return (PromotionsResumed(graph=move.graph, at=move.at, who=move.who, why=move.why),)
