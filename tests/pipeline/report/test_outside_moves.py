from __future__ import annotations

from datetime import datetime

import pytest

from pipeline.ledger.entries import Alias, AliasEntry, Entry, NightEntry
from pipeline.report.outside_moves import outside_moves
from tests.fixtures.night_stories import AS_OF, RUN, observed

OTHER = "demo-20260304T030000Z"


def night(run_name: str, at: datetime = AS_OF) -> NightEntry:
    return NightEntry(
        graph="demo", run_name=run_name, as_of=at, at=at, outcome="kept", reason="no better", completed=True
    )


def moved(alias: Alias, previous: int | None, version: int) -> AliasEntry:
    return AliasEntry(graph="demo", alias=alias, version=version, previous=previous, at=AS_OF, who="ann", why="why")


@pytest.mark.parametrize(
    ("alias", "previous", "version", "advice", "command"),
    [
        (
            "champion", 3, 2, "Version 2 is served now. If that is right, you need not do anything. If it is wrong, "
            "roll back:", "ncnc rollback --graph demo --to 3 --reason ...",
        ),
        (
            "champion", 3, None, "No version is served now. If that is right, you need not do anything. If it is "
            "wrong, roll back:", "ncnc rollback --graph demo --to 3 --reason ...",
        ),
        # the ledger knew of no champion, so that there is none to go back to
        (
            "champion", None, 5, "Version 5 is served now. If that is wrong, remove the alias in MLflow; the next run "
            "enters that too.", "",
        ),
        ("previous", 2, None, "It does not change what is served, and the next promotion sets it again.", ""),
        ("challenger", 3, 1, "It does not change what is served, and the next promotion sets it again.", ""),
    ],
)  # fmt: skip
def test_a_move_is_told_with_what_to_do(
    alias: Alias, previous: int | None, version: int | None, advice: str, command: str
) -> None:
    (found,) = outside_moves((observed(alias, previous, version), night(RUN)), RUN)
    assert (found.advice, found.command) == (advice, command)


def test_what_was_found_names_from_to_the_finder_and_the_time() -> None:
    (found,) = outside_moves((observed("champion", 3, None),), RUN)
    assert found.found == (
        f"champion of demo went from version 3 to nothing. Found by run {RUN} on 2026-03-05 03:00 UTC. The "
        f"ledger does not know who did it; MLflow's own log may."
    )


def test_a_move_that_was_moved_on_before_the_night_ended_leaves_nothing_to_do() -> None:
    entries: tuple[Entry, ...] = (observed("champion", 3, 2), moved("previous", 3, 2), moved("champion", 2, 4))
    (found,) = outside_moves((*entries, night(RUN)), RUN)
    assert (found.advice, found.command) == ("It was set to version 4 afterwards: you need not do anything.", "")
    # What came after the night does not change its page.
    (found,) = outside_moves((entries[0], night(RUN), *entries[1:]), RUN)
    assert found.command == "ncnc rollback --graph demo --to 3 --reason ..."


def test_a_move_is_told_of_one_night_whoever_found_it() -> None:
    """A run's own find is its night's; what a collection or a person found is the next night's."""
    entries = (
        observed("champion", 1, 2, who=f"run {OTHER}"),
        night(OTHER),
        observed("champion", 2, 3, who="the collection"),
        night(RUN),
        observed("champion", 3, 4, who="ann"),
    )
    for run_name, told in ((OTHER, "from version 1 to version 2"), (RUN, "from version 2 to version 3")):
        (found,) = outside_moves(entries, run_name)
        assert told in found.found


def test_a_night_that_met_no_such_move_has_none() -> None:
    assert outside_moves((), RUN) == ()
    assert outside_moves((night(OTHER), moved("champion", None, 1), night(RUN)), RUN) == ()
