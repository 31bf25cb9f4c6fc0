from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.errors import InvalidInput, TamperedRecord
from pipeline.ledger.alias_history import (
    AliasState,
    Move,
    Overtaken,
    Standing,
    champions,
    collected_versions,
    crowning,
    lineages,
    observed_moves,
    single_move,
    standings,
    whose_move,
)
from pipeline.ledger.entries import Alias, AliasEntry, AliasObserved, Entry, RegistryCollected

AT = datetime(2026, 1, 2, tzinfo=UTC)
MOVE = Move("demo", "ann", "better", AT)


def moved(version: int | None, previous: int | None = None, alias: Alias = "champion") -> AliasEntry:
    return AliasEntry(graph="demo", alias=alias, version=version, previous=previous, at=AT, who="ann", why="better")


def seen(version: int | None, previous: int | None) -> AliasObserved:
    return AliasObserved(graph="demo", alias="champion", version=version, previous=previous, at=AT, who="run a")


def collected(*versions: int) -> RegistryCollected:
    return RegistryCollected(
        graph="demo", versions=versions, checkpoints=(), run_folders=(), policy="p", at=AT, who="ann", reason="r"
    )


def in_short(entries: tuple[AliasEntry, ...]) -> list[tuple[str, int | None, int | None]]:
    return [(entry.alias, entry.previous, entry.version) for entry in entries]


def test_alias_stands_where_the_last_entry_about_it_says() -> None:
    entries = (moved(1), moved(1, alias="challenger"), moved(2, 1), seen(1, 2))
    assert standings(entries) == {"champion": Standing(1, 2, 3, observed=True), "challenger": Standing(1, None, 1)}


def test_champions_are_in_the_order_of_their_last_time() -> None:
    assert champions((moved(1), moved(2, 1), moved(3, 2), seen(1, 3), moved(None, 1))) == (2, 3, 1)


@pytest.mark.parametrize(
    ("standing", "state", "whose"),
    [
        (None, AliasState(None, None), "nobody"),  # no model yet
        (None, AliasState(1, None), "outside"),  # set by hand before any night
        (Standing(2, 1, 2), AliasState(2, 2), "nobody"),
        (Standing(2, 1, 2), AliasState(1, 1), "ours"),  # killed before MLflow was moved
        (Standing(2, 1, 2), AliasState(1, 2), "outside"),  # MLflow had followed, and somebody moved it back
        (Standing(2, 1, 2), AliasState(3, 2), "outside"),
        (Standing(2, 1, 2), AliasState(None, 2), "outside"),  # taken away
        (Standing(2, 1, 2), AliasState(1, None), "ours"),  # never brought in line: only from where it stood
        (Standing(2, 1, 2), AliasState(3, None), "outside"),
        (Standing(2, 1, 2, observed=True), AliasState(1, 1), "outside"),  # nobody asked that it be at 2
    ],
)
def test_whose_move_it_is(standing: Standing | None, state: AliasState, whose: str) -> None:
    assert whose_move(standing, state) == whose


def test_moves_made_without_the_ledger_are_entered_with_where_it_stood() -> None:
    states: dict[Alias, AliasState] = {
        "champion": AliasState(1, 2), "challenger": AliasState(2, 1), "previous": AliasState(None, None),
    }  # fmt: skip
    entries = (moved(1), moved(2, alias="challenger"), moved(2, 1))
    (found,) = observed_moves(entries, states, graph="demo", who="run a", at=AT)
    assert found == seen(1, 2)


def test_single_move_says_where_it_came_from_and_a_repeated_one_is_none() -> None:
    assert in_short(single_move((moved(1),), "champion", 2, MOVE)) == [("champion", 1, 2)]
    assert single_move((moved(1),), "champion", 1, MOVE) == ()


def test_crowning_moves_all_three_and_a_repeated_one_none() -> None:
    first = crowning((), 1, MOVE, instead_of=None)
    assert in_short(first) == [("challenger", None, 1), ("champion", None, 1)]
    second = crowning(first, 2, MOVE, instead_of=1)
    assert in_short(second) == [("challenger", 1, 2), ("previous", None, 1), ("champion", 1, 2)]
    assert crowning((*first, *second), 2, MOVE, instead_of=1) == ()
    back = crowning((*first, *second), 1, MOVE, instead_of=2, challenger=False)
    assert in_short(back) == [("previous", 1, 2), ("champion", 2, 1)]


def test_lineage_of_a_promotion_stays_with_the_version_through_later_moves() -> None:
    entries: tuple[Entry, ...] = (moved(1),)  # of before lineages were entered
    entries += crowning(entries, 2, MOVE, instead_of=1, lineage_sha256="2" * 64)
    assert lineages(entries) == {2: ("2" * 64,)}
    entries += crowning(entries, 3, MOVE, instead_of=2, lineage_sha256="3" * 64)
    assert entries[-2] == moved(2, 1, "previous").model_copy(update={"lineage_sha256": "2" * 64})
    back = crowning(entries, 2, MOVE, instead_of=3, challenger=False)
    assert [(entry.alias, entry.lineage_sha256) for entry in back] == [("previous", "3" * 64), ("champion", "2" * 64)]
    assert single_move(entries, "challenger", 2, MOVE)[0].lineage_sha256 == "2" * 64
    assert crowning(entries, 1, MOVE, instead_of=3)[-1].lineage_sha256 is None


def test_version_is_not_promoted_with_another_lineage_than_the_ledger_has() -> None:
    entries = (*crowning((), 1, MOVE, instead_of=None, lineage_sha256="1" * 64), moved(None, 1))
    says = r"version 1 of demo has sha256 777777777777, but the ledger has 111111111111.*ncnc audit model demo@1"
    with pytest.raises(TamperedRecord, match=says):
        crowning(entries, 1, MOVE, instead_of=None, lineage_sha256="7" * 64)
    contradicting = (*entries, moved(1).model_copy(update={"lineage_sha256": "7" * 64}))
    assert lineages(contradicting) == {1: ("1" * 64, "7" * 64)}


def test_second_of_two_promotions_is_told_who_won() -> None:
    with pytest.raises(
        Overtaken, match=r"replace champion version 1, but .* now version 2: .* won\. .*ncnc registry history"
    ):
        crowning((moved(1), moved(2, 1)), 3, MOVE, instead_of=1)


def test_collected_version_becomes_nothing_again() -> None:
    entries: tuple[Entry, ...] = (moved(1), collected(2, 3))
    assert collected_versions(entries) == {2, 3}
    with pytest.raises(InvalidInput, match=r"Version 3 of demo was collected.*ncnc registry show --graph demo"):
        crowning(entries, 3, MOVE, instead_of=1)
    with pytest.raises(InvalidInput, match=r"Version 2 of demo was collected"):
        single_move(entries, "champion", 2, MOVE)
