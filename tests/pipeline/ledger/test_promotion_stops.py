from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.errors import InvalidInput
from pipeline.ledger.alias_history import Move
from pipeline.ledger.entries import AliasEntry, Entry
from pipeline.ledger.promotion_stops import (
    PromotionsAreStopped,
    expect_promotions,
    resuming,
    standing_stop,
    stop_in_words,
    stopping,
)

AT = datetime(2026, 1, 2, tzinfo=UTC)
UNTIL = AT + timedelta(days=7)
MOVE = Move("demo", "ann", "complaints", AT)
CHAMPION: tuple[Entry, ...] = (
    AliasEntry(graph="demo", alias="champion", version=2, previous=1, at=AT, who="run a", why="better"),
)


def pinned(until: datetime | None = UNTIL) -> tuple[Entry, ...]:
    return (*CHAMPION, *stopping(CHAMPION, MOVE, version=2, until=until))


def paused() -> tuple[Entry, ...]:
    return (*CHAMPION, *stopping(CHAMPION, MOVE, version=None, until=None))


def test_pin_holds_promotions_and_rollbacks_until_its_time_or_until_it_is_ended() -> None:
    entries = pinned()
    for rollback in (False, True):
        with pytest.raises(
            PromotionsAreStopped,
            match=r"version 2 is pinned as champion by ann until 2026-01-09 00:00 UTC: complaints\. .*registry unpin",
        ):
            expect_promotions(entries, AT, rollback=rollback)
    assert standing_stop(entries, UNTIL) is None
    expect_promotions(entries, UNTIL)
    expect_promotions((*entries, *resuming(entries, MOVE, pinned=True)), AT)
    assert standing_stop(pinned(None), AT + timedelta(days=9999)) is not None


def test_pause_holds_promotions_and_no_rollback() -> None:
    entries = paused()
    with pytest.raises(PromotionsAreStopped, match=r"promotions are paused by ann: complaints\. .*registry resume"):
        expect_promotions(entries, AT)
    expect_promotions(entries, AT, rollback=True)
    expect_promotions((*entries, *resuming(entries, MOVE, pinned=False)), AT)


def test_only_the_champion_is_pinned_and_a_second_pin_takes_the_place_of_the_first() -> None:
    with pytest.raises(InvalidInput, match=r"Version 1 .* version 2 is, .*ncnc rollback --graph demo --to 1"):
        stopping(CHAMPION, MOVE, version=1, until=None)
    with pytest.raises(InvalidInput, match="version None is"):
        stopping((), MOVE, version=1, until=None)
    later = Move("demo", "bob", "still", AT)
    stop = standing_stop((*pinned(), *stopping(pinned(), later, version=2, until=None)), AT)
    assert stop is not None
    assert stop_in_words(stop) == "version 2 is pinned as champion by bob: still"


def test_time_that_is_over_and_the_wrong_kind_of_end_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"--until 2026-01-02 00:00 UTC is over already"):
        stopping(CHAMPION, MOVE, version=2, until=AT)
    with pytest.raises(InvalidInput, match=r"version 2 is pinned .* End that first: ncnc registry unpin"):
        stopping(pinned(), MOVE, version=None, until=None)
    with pytest.raises(InvalidInput, match=r"promotions are paused .* End that first: ncnc registry resume"):
        stopping(paused(), MOVE, version=2, until=None)
    with pytest.raises(InvalidInput, match=r"promotions are not paused; version 2 is pinned .*\(ncnc registry unpin\)"):
        resuming(pinned(), MOVE, pinned=False)
    with pytest.raises(InvalidInput, match=r"nothing to end for demo: no version is pinned\."):
        resuming(CHAMPION, MOVE, pinned=True)
