from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.errors import InvalidInput
from pipeline.ledger.alias_history import AliasState, Move
from pipeline.ledger.entries import Alias, AliasEntry, Entry, NightEntry, RegistryBound, RegistryCollected
from pipeline.ledger.registry_agreement import (
    RegistriesDisagree,
    RegistryState,
    adoption,
    binding,
    disagreement,
    expect_agreement,
    expect_target,
    highest_version,
    is_stranger,
    missing_versions,
)

AT = datetime(2026, 1, 2, tzinfo=UTC)
MOVE = Move("demo", "ann", "MLflow was restored", AT)
BOUND = RegistryBound(graph="demo", made_at=AT, where="http://mlflow", at=AT, who="run a")


def moved(version: int | None, previous: int | None = None, alias: Alias = "champion") -> AliasEntry:
    return AliasEntry(graph="demo", alias=alias, version=version, previous=previous, at=AT, who="ann", why="better")


def promoted(version: int) -> NightEntry:
    return NightEntry(
        graph="demo", run_name=f"demo-{version}", as_of=AT, at=AT, outcome="promoted", reason="better",
        completed=True, run_key=f"{version:064x}", version=version,
    )  # fmt: skip


def state(
    champion: int | None = None,
    settled: int | None = None,
    *versions: int,
    made_at: datetime | None = AT,
    num_entries: int | None = None,
) -> RegistryState:
    """A registry whose versions are those of the ledger's promoted nights."""
    none = AliasState(None, None)
    return RegistryState(
        where="http://here",
        made_at=made_at,
        aliases={"champion": AliasState(champion, settled), "challenger": none, "previous": none},
        versions={version: f"{version:064x}" for version in versions},
        num_entries=num_entries,
    )


TWO: tuple[Entry, ...] = (BOUND, moved(1), promoted(1), moved(2, 1), promoted(2))


@pytest.mark.parametrize(
    ("entries", "there"),
    [
        ((), state(made_at=None)),  # a new graph
        ((), state(3, None, 3)),  # set by hand before the first night
        (TWO, state(2, 2, 1, 2)),
        (TWO, state(2, 2, 1, 2, num_entries=5)),
        (TWO, state(1, 2, 1, 2)),  # moved in MLflow: the look enters it
        (TWO, state(1, 1, 1, 2)),  # a move that was cut off
        (TWO[1:], state(2, 2, 1, 2)),  # of before ledgers were bound
        (TWO[1:], state(1, 2, 1, 2)),  # the same, and the champion was moved since in MLflow
        ((moved(1),), state(None, None, 1)),  # the same, cut off before the night was entered
    ],
)
def test_ledger_and_registry_agree(entries: tuple[Entry, ...], there: RegistryState) -> None:
    assert disagreement(entries, there) is None
    expect_agreement(entries, there, "demo")


@pytest.mark.parametrize(
    ("entries", "there", "says"),
    [
        (TWO, state(made_at=None), "no registered model of this graph, and the ledger belongs to the one .*http://mlflow"),
        (TWO, state(2, 2, 1, 2, made_at=AT + timedelta(milliseconds=1)), r"was made on 2026-01-02 00:00:00\.001 UTC"),
        (TWO[1:], state(made_at=None), "no registered model of this graph, and the ledger has moves"),
        (TWO[1:], state(), "does not have the champion that the ledger tells of"),
        (TWO[1:], state(2, None, 1), "does not have the champion"),
        ((moved(1), moved(None, 1)), state(4, None, 4), "does not have the champion"),
        (TWO[:3], state(2, 2, 1, 2), "followed 2 moves of champion, and the ledger has 1"),
        ((), state(2, 2, 1, 2), "followed 2 moves of champion, and the ledger has 0"),
        (TWO, state(2, 2, 1, 2, num_entries=6), "a ledger of 6 entries, and this one has 5"),
        (TWO, state(1, 1, 1), "champion is version 2 by the ledger, and MLflow does not .* Version 1 is served"),
        (TWO, state(None, 1, 1), "Nothing is served"),
    ],
)  # fmt: skip
def test_ledger_and_registry_disagree(entries: tuple[Entry, ...], there: RegistryState, says: str) -> None:
    with pytest.raises(RegistriesDisagree, match=rf"MLflow at http://here disagree: .*{says}.*Nothing was written"):
        expect_agreement(entries, there, "demo")


def test_number_that_was_given_again_is_another_version() -> None:
    again = RegistryState("here", AT, state(1, 2).aliases, {1: "9" * 64, 2: f"{2:064x}"})
    assert is_stranger(TWO, again, 1)
    assert not is_stranger(TWO, again, 2)
    assert missing_versions(TWO, again) == (1,)
    assert "champion points at a version 1 that is not the ledger's" in (disagreement(TWO, again) or "")
    with pytest.raises(InvalidInput, match=r"Version 1 .* is not the one that the ledger knows by this number"):
        expect_target(TWO, again, "demo", 1)
    with pytest.raises(InvalidInput, match=r"http://here has no version 7 of demo, .*ncnc registry show"):
        expect_target(TWO, state(2, 2, 1, 2), "demo", 7)
    expect_target(TWO, again, "demo", 2)
    expect_target(TWO, again, "demo", None)


def test_highest_version_is_the_highest_that_any_entry_names() -> None:
    assert highest_version(()) == 0
    collected = RegistryCollected(
        graph="demo", versions=(7,), checkpoints=(), run_folders=(), policy="p", at=AT, who="ann", reason="r"
    )
    assert highest_version((*TWO, moved(None, 2))) == 2
    assert highest_version((*TWO, collected)) == 7
    assert missing_versions((*TWO, collected), state(2, 2, 2)) == (1,)
    assert missing_versions((*TWO, collected.model_copy(update={"versions": (1,)})), state(2, 2, 2)) == ()


def test_ledger_is_bound_once_to_the_registry_that_it_agrees_with() -> None:
    (bound,) = binding((), state(), MOVE)
    assert (bound.made_at, bound.where, bound.who, bound.why) == (AT, "http://here", "ann", "")
    assert binding((bound,), state(), MOVE) == ()
    assert binding((), state(made_at=None), MOVE) == ()


def test_adoption_enters_what_the_registry_serves_and_what_is_lost() -> None:
    there = state(1, 1, 1, made_at=AT + timedelta(days=1))
    bound, *moves = adoption(TWO, there, MOVE)
    assert isinstance(bound, RegistryBound)
    assert (bound.lost, bound.why, bound.made_at) == ((2,), "MLflow was restored", there.made_at)
    assert moves == [moved(1, 2).model_copy(update={"why": MOVE.why})]
    after = (*TWO, bound, *moves)
    assert disagreement(after, state(1, 3, 1, made_at=there.made_at)) is None
    # A version that is made by hand under the lost number is not the old one.
    with pytest.raises(InvalidInput, match="not the one that the ledger knows"):
        expect_target(after, RegistryState("here", there.made_at, there.aliases, {2: None}), "demo", 2)
    with pytest.raises(InvalidInput, match=r"champion of demo points at a version 2 that is not.*Take this alias away"):
        adoption(TWO, RegistryState("here", there.made_at, state(2).aliases, {2: None}), MOVE)
    with pytest.raises(InvalidInput, match=r"http://here has no registered model demo"):
        adoption(TWO, state(made_at=None), MOVE)
